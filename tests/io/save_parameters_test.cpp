// SPDX-License-Identifier: MIT
// What docs/embed.md shows of keeping weights.
#include <doctest/doctest.h>

#include <optiform/cpu.hpp>
#include <optiform/io/parameters.hpp>

#include "support.hpp"

using namespace optiform;

namespace {

using Layers = TransformerLayer<TripleMomentum, CausalAttention, Mlp<Gelu>>;
using Network = LanguageModel<ModelShape{.width = 8, .heads = 2, .hidden = 16}, Stack<Layers>>;
using Model = Network::on<Cpu, float>;

// [save]
void save(const std::filesystem::path& path, const ParameterTable& parameters,
          const Buffer<float>& values) {
  write_safetensors(path, parameter_sources(parameters, values.data()), {});
}

void load(const std::filesystem::path& path, const ParameterTable& parameters,
          Buffer<float>& values) {
  read_parameters(SafetensorsFile(path), parameters, values.data());
}
// [save]

}  // namespace

TEST_CASE("weights that were saved come back bit by bit, and another model's are refused") {
  const Model model({.vocabulary = 11, .context = 4, .layers = {2}});
  const Model deeper({.vocabulary = 11, .context = 4, .layers = {3}});
  Buffer<float> values(model.parameters().total()), again(model.parameters().total());
  Buffer<float> other(deeper.parameters().total());
  model.initialise(values.data(), 1);
  const optiform::testing::TemporaryDirectory directory;
  const auto path = directory / "weights.safetensors";
  save(path, model.parameters(), values);
  load(path, model.parameters(), again);
  for (Index i = 0; i < values.size(); ++i) REQUIRE(values[i] == again[i]);
  CHECK_THROWS_AS(load(path, deeper.parameters(), other), Error);
}
