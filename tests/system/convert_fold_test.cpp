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

TEST_SUITE_END();
