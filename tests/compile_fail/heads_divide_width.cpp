// SPDX-License-Identifier: MIT
// expect: the heads do not divide the width; choose heads with width % heads == 0
#include <optiform/oracles/attention.hpp>

#ifdef CONTROL
constexpr optiform::ModelShape shape{.width = 12, .heads = 3, .hidden = 48};
#else
constexpr optiform::ModelShape shape{.width = 12, .heads = 5, .hidden = 48};
#endif

struct NoBackend {};
template <>
struct optiform::kernels<NoBackend> {
  struct Context {};
};

optiform::CausalAttention::on<NoBackend, float, shape> attention;
