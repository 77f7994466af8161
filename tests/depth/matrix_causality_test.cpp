// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/cpu.hpp>

#include "causality.hpp"

namespace optiform::testing {
namespace {

constexpr ModelShape shape{.width = 18, .heads = 3, .hidden = 11};

template <class R, DepthOptions Options = DepthOptions{}>
using Usual = TransformerLayer<R, CausalAttention, Mlp<Gelu>, Options>;
template <class R>
using Network = LanguageModel<shape, Usual<R>>;

}  // namespace

TEST_CASE("matrix rules keep the past from the future") {
  check_causality<Network<Muon>, Reference, double>();
  check_causality<Network<Soap>, Reference, double>();
  check_causality<Network<Ortho>, Cpu, float>();
  check_causality<Network<Shampoo>, Cpu, float>();
}

}  // namespace optiform::testing
