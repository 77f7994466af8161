// SPDX-License-Identifier: MIT
// convert --fold, which knows names, is fold, which knows types.
#include <optiform/depth/folding.hpp>
#include <optiform/io/parameters.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>

#include "program.hpp"

using namespace optiform;
using namespace programs;

namespace {

constexpr ModelShape tiny{.width = 64, .heads = 2, .hidden = 256};

template <class Rule>
void check_fold(const Folder& folder, const std::string& name) {
  CAPTURE(name);
  REQUIRE(run(folder.path, "pretrain",
              small + Arguments{"--rule", name, "--out", name, "--steps", "12"})
              .code == 0);
  const std::string plain = name + ".safetensors", folded = name + "-folded.safetensors";
  REQUIRE(run(folder.path, "convert", {name, plain}).code == 0);
  REQUIRE(run(folder.path, "convert", {plain, folded, "--fold"}).code == 0);

  using Model = LanguageModel<tiny, Stack<TransformerLayer<Rule, CausalAttention, Mlp<Gelu>>>>;
  const typename Model::template on<archetype::OracleBackend, double> model(
      LanguageModelOptions{.vocabulary = 256, .context = 64, .layers = {1}});
  Buffer<double> values(model.parameters().total());
  read_parameters(SafetensorsFile(folder.path / plain), model.parameters(), values.data());
  const auto expected = fold(model, values.data());
  const auto& table = expected.model.parameters();
  Buffer<float> found(table.total());
  read_parameters(SafetensorsFile(folder.path / folded), table, found.data());
  for (Index i = 0; i < found.size(); ++i)
    REQUIRE(found[i] == static_cast<float>(expected.values[i]));
}

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("convert: --fold of every kind of rule is the library's fold, to the bit") {
  if (!built() || !fs::exists(path("convert"))) {
    MESSAGE("skipped: the example programs were not built");
    return;
  }
  const Folder folder("convert_fold_types");
  check_fold<TripleMomentum>(folder, "tmm");
  check_fold<HeavyBall>(folder, "heavy-ball");
  check_fold<AdamW>(folder, "adamw");
  check_fold<Muon>(folder, "muon");
}

TEST_CASE("convert: --fold scales the biases of projections and norms, too") {
  if (!fs::exists(path("convert"))) {
    MESSAGE("skipped: convert was not built");
    return;
  }
  const Folder folder("convert_fold_biases");
  using Layer = TransformerLayer<TripleMomentum, Attention<AttentionOptions{.biases = true}>,
                                 Mlp<Gelu, MlpOptions{.biases = true}>,
                                 DepthOptions{.velocity_norm = Norm::biased_layer_norm}>;
  const LanguageModel<tiny, Layer>::on<archetype::OracleBackend, double> model(
      LanguageModelOptions{.vocabulary = 32, .context = 8, .layers = {2}});
  Buffer<double> values(model.parameters().total());
  for (Index i = 0; i < values.size(); ++i) values[i] = 0.01 * static_cast<double>(i % 97) - 0.4;
  write_safetensors(folder.path / "from", parameter_sources(model.parameters(), values.data()));
  const Result result = run(folder.path, "convert", {"from", "to", "--fold"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto expected = fold(model, values.data());
  Buffer<double> found(expected.model.parameters().total());
  read_parameters(SafetensorsFile(folder.path / "to"), expected.model.parameters(), found.data());
  for (const ParameterInfo& entry : expected.model.parameters().entries()) {
    CAPTURE(entry.name);
    CHECK(std::equal(found.data() + entry.offset, found.data() + entry.offset + entry.size,
                     expected.values.data() + entry.offset));
  }
}

TEST_SUITE_END();
