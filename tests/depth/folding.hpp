// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/depth/decoder.hpp>
#include <optiform/depth/folding.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/gated_mlp.hpp>
#include <optiform/oracles/mlp.hpp>

#include "../support/tiny_model.hpp"

namespace optiform::testing {

inline constexpr ModelShape fold_shape{.width = 18, .heads = 3, .hidden = 11};

/// Largest difference in units of the largest number.
template <class T>
double largest_error(const std::vector<T>& found, const std::vector<T>& expected) {
  double error = 0, scale = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error = std::max(error, std::fabs(static_cast<double>(found[i] - expected[i])));
    scale = std::max(scale, std::fabs(static_cast<double>(expected[i])));
  }
  return std::isfinite(error) ? error / scale : HUGE_VAL;
}

/// A folded model has the logits of the model it comes from, in passes and in a decoder, and none
/// of the coefficients that were folded.
template <class Network, class Backend, class T>
void check_folding(double bound, Index layers = 3) {
  TinyModel<Network, Backend, T> tiny(layers);
  const auto expected = tiny.logits();
  auto folded = fold(tiny.model, tiny.values.data());
  for (const auto& entry : folded.model.parameters().entries()) {
    CHECK(entry.name.find(".gamma_") == std::string::npos);
    CHECK(entry.name.find(".nu_") == std::string::npos);
  }
  const Index batch = tiny.batch, length = tiny.length, vocabulary = tiny.vocabulary;
  auto workspace = folded.model.workspace(batch, length, Pass::evaluation);
  std::vector<T> found(expected.size());
  folded.model.logits(tiny.run, folded.values.data(), workspace, tiny.tokens.data(), found.data());
  CHECK(largest_error(found, expected) <= bound);

  using Decoder = typename decltype(folded.model)::Decoder;
  Decoder decoder(folded.model, 1, length);
  std::vector<T> last(static_cast<std::size_t>(vocabulary));
  for (Index t = 0; t < length; ++t) {
    const typename Decoder::Tokens one[] = {
        std::span(tiny.tokens).subspan(static_cast<std::size_t>(t), 1)};
    decoder.append(tiny.run, folded.values.data(), one, last.data());
  }
  const auto end = expected.begin() + length * vocabulary;
  CHECK(largest_error(last, std::vector<T>(end - vocabulary, end)) <= 2 * bound);
}

template <class Network>
void check_folding_of(double bound = 1e-6) {
  check_folding<Network, Reference, double>(1e-12);
  check_folding<Network, Cpu, float>(bound);
}

template <class Rule, DepthOptions Options = DepthOptions{}>
using FoldLayers = TransformerLayer<Rule, CausalAttention, Mlp<Gelu>, Options>;
template <class Rule, DepthOptions Options = DepthOptions{}>
using FoldNetwork = LanguageModel<fold_shape, FoldLayers<Rule, Options>>;

}  // namespace optiform::testing
