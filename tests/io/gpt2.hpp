// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <optiform/depth/gpt2.hpp>
#include <optiform/io/gpt2.hpp>

#include "support.hpp"

namespace optiform::testing {

/// The model of fixtures/gpt2.py.
inline const std::filesystem::path gpt2_fixture = fixtures / "gpt2_model";
inline constexpr ModelShape fixture_shape{.width = 12, .heads = 3, .hidden = 48};
inline constexpr Index fixture_vocabulary = 17, fixture_context = 9, fixture_layers = 2;

template <class Backend, class T>
using FixtureModel = typename Gpt2<fixture_shape>::template on<Backend, T>;

template <class Model>
Model fixture_model(Index vocabulary = fixture_vocabulary) {
  return Model({.vocabulary = vocabulary, .context = fixture_context, .layers = {fixture_layers}});
}

/// Largest distance to the logits of expected.safetensors, in units of the largest of them. Logits
/// of padding rows are not looked at.
template <class Model>
double distance_to_expected(const std::filesystem::path& folder, const Model& model,
                            const typename Model::Scalar* values) {
  const Index batch = 2, length = fixture_context, vocabulary = model.options().vocabulary;
  const SafetensorsFile file(folder / "expected.safetensors");
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(batch * length));
  std::vector<double> expected(tokens.size() * fixture_vocabulary);
  file.read("tokens", {batch, length}, tokens.data());
  file.read("logits", {batch, length, fixture_vocabulary}, expected.data());
  std::vector<typename Model::Scalar> found(tokens.size() * static_cast<std::size_t>(vocabulary));
  typename Model::Context context(1);
  auto workspace = model.workspace(batch, length, Pass::evaluation);
  model.logits(context, values, workspace, tokens.data(), found.data());
  double error = 0, scale = 0;
  for (std::size_t row = 0; row < tokens.size(); ++row)
    for (std::size_t i = 0; i < fixture_vocabulary; ++i) {
      const double wanted = expected[row * fixture_vocabulary + i];
      const auto logit = static_cast<double>(found[row * static_cast<std::size_t>(vocabulary) + i]);
      error = std::max(error, std::abs(logit - wanted));
      scale = std::max(scale, std::abs(wanted));
    }
  return error / scale;
}

}  // namespace optiform::testing
