// SPDX-License-Identifier: MIT
// expect: Mlp - the shape has no width or no hidden size; write ModelShape
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/mlp.hpp>

#ifdef CONTROL
constexpr optiform::ModelShape shape{.width = 12, .heads = 3, .hidden = 48};
#else
constexpr optiform::ModelShape shape{.width = 12, .heads = 3};
#endif

struct NoBackend {};
template <>
struct optiform::kernels<NoBackend> {
  struct Context {};
};

optiform::Mlp<optiform::Gelu>::on<NoBackend, float, shape> mlp;
