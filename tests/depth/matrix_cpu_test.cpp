// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/cpu.hpp>

#include "../support/tiny_model.hpp"

namespace optiform::testing {
namespace {

constexpr ModelShape shape{.width = 18, .heads = 3, .hidden = 11};

template <class R, DepthOptions Options = DepthOptions{}>
using Usual = TransformerLayer<R, CausalAttention, Mlp<Gelu>, Options>;
template <class R>
using Network = LanguageModel<shape, Usual<R>>;
template <class R, class Backend = Reference, class T = double>
using Tiny = TinyModel<Network<R>, Backend, T>;

}  // namespace

TEST_CASE_TEMPLATE("Cpu trains matrix rules as Reference does", R, Ortho, Muon, Shampoo, Soap) {
  Tiny<R> reference;
  Tiny<R, Cpu> cpu;
  CHECK(cpu.loss_and_gradients() == doctest::Approx(reference.loss_and_gradients()).epsilon(1e-12));
  const std::vector<double> found(cpu.gradients.begin(), cpu.gradients.end());
  const std::vector<double> expected(reference.gradients.begin(), reference.gradients.end());
  CHECK(relative_error(found, expected) < 1e-8);
}

}  // namespace optiform::testing
