// SPDX-License-Identifier: MIT
// expect: the kv_heads do not divide the heads; choose kv_heads with heads % kv_heads == 0
#include <optiform/oracles/attention.hpp>

#ifdef CONTROL
constexpr optiform::ModelShape shape{.width = 24, .heads = 6, .kv_heads = 3};
#else
constexpr optiform::ModelShape shape{.width = 24, .heads = 6, .kv_heads = 4};
#endif

struct NoBackend {};
template <>
struct optiform::kernels<NoBackend> {
  struct Context {};
};

optiform::CausalAttention::on<NoBackend, float, shape> attention;
