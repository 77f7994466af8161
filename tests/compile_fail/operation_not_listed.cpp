// SPDX-License-Identifier: MIT
// expect: the rule applies an operation that it does not list; add to the rule: using Operations
#include <optiform/cpu/reference.hpp>
#include <optiform/depth/dynamics.hpp>

#include "../support/centre_heads.hpp"

using namespace optiform;
using optiform::testing::CentreHeads;

struct Centred : Rule {
#ifdef CONTROL
  using Operations = TypeList<CentreHeads>;
#endif
  constexpr Row query() const { return x; }
  constexpr void step(Row g) { x += apply<CentreHeads>(g); }
};

using Step = Dynamics<Centred, DepthOptions{}, 1>;

void run(ReferenceContext& context, const RowArguments<float>& a) {
  kernels<Reference>::run_rows<Forward<Boundary<Step, Step>>, 12, 3>(context, a);
}
