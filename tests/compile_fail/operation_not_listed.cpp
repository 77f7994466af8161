// SPDX-License-Identifier: MIT
// expect: the rule applies an operation that it does not list; add to the rule: using Operations
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
using Program = Forward<Boundary<Step, Step>>;

constexpr short operation_in(const Graph& graph) {
  short id = 0;
  while (graph.node[id].op != Op::operation) ++id;
  return id;
}
static_assert(std::is_same_v<operation_of<Program, operation_in(Program::graph)>, CentreHeads>);
