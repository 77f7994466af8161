// SPDX-License-Identifier: MIT
// The tensors of a file are those of its rule's network, or convert says which one is not.
#include <functional>

#include <optiform/depth/folding_rules.hpp>
#include <optiform/depth/language_model.hpp>
#include <optiform/io/parameters.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>
#include <optiform/rules/rules.hpp>

#include "../../examples/study/second_embedding.hpp"
#include "program.hpp"

using namespace optiform;
using namespace programs;

namespace {

constexpr ModelShape tiny{.width = 64, .heads = 2, .hidden = 256};
using Sources = std::vector<TensorSource>;

/// A rule's network of two layers, its tensors to be written to a file.
template <class Rule, DepthOptions Depth = {}>
struct Network {
  using Model = LanguageModel<tiny, TransformerLayer<Rule, CausalAttention, Mlp<Gelu>, Depth>>;
  using Exact = typename Model::template on<archetype::OracleBackend, double>;

  Exact model{LanguageModelOptions{.vocabulary = 256, .context = 64, .layers = {2}}};
  Buffer<double> values{model.parameters().total()};
  Network() { model.initialise(values.data(), 5); }
  Sources sources() const { return parameter_sources(model.parameters(), values.data()); }
};

bool convert_is_built() {
  const bool built = fs::exists(path("convert"));
  if (!built) MESSAGE("skipped: convert was not built");
  return built;
}

TensorSource& named(Sources& sources, const std::string& name) {
  const auto found = std::find_if(sources.begin(), sources.end(),
                                  [&](const auto& source) { return source.name == name; });
  REQUIRE(found != sources.end());
  return *found;
}

std::function<void(Sources&)> without(const std::string& name) {
  return [=](Sources& sources) {
    REQUIRE(std::erase_if(sources, [&](const auto& source) { return source.name == name; }) == 1);
  };
}
std::function<void(Sources&)> reshaped(const std::string& name, const std::vector<Index>& shape) {
  return [=](Sources& sources) { named(sources, name).shape = shape; };
}
/// Another tensor; its values are those of the token table.
std::function<void(Sources&)> with(const std::string& name, const std::vector<Index>& shape) {
  return [=](Sources& sources) {
    sources.push_back({{name, DType::f64, shape}, named(sources, "tok_emb.weight").data});
  };
}

Result converted(const Folder& folder, const Sources& sources, const Arguments& more = {}) {
  write_safetensors(folder.path / "from", sources);
  return run(folder.path, "convert", Arguments{"from", "to"} + more);
}

/// The rule's file is accepted as its own, with every tensor in its shape.
template <class Rule, DepthOptions Depth = {}>
void check_accepted(const Folder& folder, const std::string& name) {
  CAPTURE(name);
  const Network<Rule, Depth> network;
  const Result result = converted(folder, network.sources());
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.out.find(" of rule " + name + " in ") != std::string::npos);
  Buffer<double> again(network.values.size());
  read_parameters(SafetensorsFile(folder.path / "to"), network.model.parameters(), again.data());
  CHECK(std::equal(again.begin(), again.end(), network.values.begin()));
}

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("convert: a tensor that is missing, too many or misshapen is one sentence") {
  if (!convert_is_built()) return;
  const Folder folder("convert_tensors");
  const Network<TripleMomentum> network;
  const struct {
    std::function<void(Sources&)> change;
    std::string sentence;
  } cases[] = {
      {without("layers.1.ln_v_attn.weight"),
       "lacks the model's tensor 'layers.1.ln_v_attn.weight' of shape [64]"},
      {without("vel_tok_emb.weight"),
       "lacks the model's tensor 'vel_tok_emb.weight' of shape [256, 64]"},
      {without("layers.1.beta_attn_raw"),
       "lacks the model's tensor 'layers.1.beta_attn_raw' of shape [1]"},
      {without("layers.1.mlp.w1.weight"),
       "lacks the model's tensor 'layers.1.mlp.w1.weight' of shape [256, 64]"},
      {without("final_ln.weight"), "lacks the model's tensor 'final_ln.weight' of shape [64]"},
      {reshaped("layers.0.attn.qkv_proj.weight", {128, 64}),
       "'layers.0.attn.qkv_proj.weight' of shape [128, 64], the model expects [192, 64]"},
      {reshaped("layers.1.ln_v_mlp.weight", {63}),
       "'layers.1.ln_v_mlp.weight' of shape [63], the model expects [64]"},
      {reshaped("vel_tok_emb.weight", {255, 64}),
       "'vel_tok_emb.weight' of shape [255, 64], the model expects [256, 64]"},
      {reshaped("layers.0.mu_attn_raw", {2}),
       "'layers.0.mu_attn_raw' of shape [2], the model expects [1]"},
      {with("extra", {3}), "holds tensor 'extra' of shape [3], which the model does not have"},
      {with("head.weight", {256, 64}), "holds tensor 'head.weight' of shape [256, 64], which"},
      {with("layers.0.attn.mask", {1, 1, 64, 64}),
       "holds tensor 'layers.0.attn.mask' of shape [1, 1, 64, 64], which"},
  };
  for (const auto& bad : cases) {
    Sources sources = network.sources();
    bad.change(sources);
    write_safetensors(folder.path / "from", sources);
    check_refusal(folder, "convert", {"from", "to"}, bad.sentence);
    check_refusal(folder, "convert", {"from", "to", "--to", "run", "--tokenizer", "bytes"},
                  bad.sentence);
    check_refusal(folder, "convert", {"from", "to", "--fold"}, bad.sentence);
  }
}

TEST_CASE("convert: a file has the tensors of its rule's network, which tell the rule") {
  if (!convert_is_built()) return;
  const Folder folder("convert_rules");
  check_accepted<GradientDescent>(folder, "vanilla");
  check_accepted<Nesterov>(folder, "nesterov");
  check_accepted<RmsProp>(folder, "rmsprop");
  check_accepted<AdamW>(folder, "adamw");
  check_accepted<Ortho>(folder, "ortho");
  check_accepted<Soap>(folder, "soap");
  check_accepted<TripleMomentum, {.start = StreamStart::zeros}>(folder, "tmm-zero-start");
  check_accepted<SecondEmbedding>(folder, "second-embedding");
  check_accepted<FoldedMomentum>(folder, "momentum (folded)");
  check_accepted<UnitStep<AdamW>>(folder, "adamw (folded)");
}

TEST_CASE("convert: numbers may lack their dimension; a rule that is not known keeps its tensors") {
  if (!convert_is_built()) return;
  const Folder folder("convert_numbers");
  const Network<TripleMomentum> network;
  Sources sources = network.sources();
  for (TensorSource& source : sources)
    if (source.name.ends_with("_raw")) source.shape = {};
  REQUIRE(converted(folder, sources).code == 0);
  CHECK(SafetensorsFile(folder.path / "to").describe("layers.1.nu_mlp_raw").shape ==
        std::vector<Index>{1});

  sources = network.sources();
  std::erase_if(sources, [](const auto& s) { return s.name.find(".beta_") != std::string::npos; });
  with("extra", {3})(sources);
  REQUIRE(converted(folder, sources).code == 0);
  CHECK(SafetensorsFile(folder.path / "to").contains("extra"));
  write_safetensors(folder.path / "from", sources);
  fs::remove(folder.path / "to");
  check_refusal(folder, "convert", {"from", "to", "--to", "run", "--tokenizer", "bytes"},
                "is none of pretrain's");
}

TEST_CASE("convert: the prefix of all names is dropped where it is known, else named") {
  if (!convert_is_built()) return;
  const Folder folder("convert_prefix");
  const Network<GradientDescent> network;
  for (const std::string prefix : {"module.", "model_state_dict._orig_mod."}) {
    Sources sources = network.sources();
    for (TensorSource& source : sources) source.name = prefix + source.name;
    CHECK(converted(folder, sources).code == 0);
    CHECK(SafetensorsFile(folder.path / "to").contains("tok_emb.weight"));
  }
  fs::remove(folder.path / "to");
  Sources sources = network.sources();
  for (TensorSource& source : sources) source.name = "net." + source.name;
  write_safetensors(folder.path / "from", sources);
  check_refusal(folder, "convert", {"from", "to"},
                "lacks the tensor 'tok_emb.weight'; it has 'net.tok_emb.weight', expected no "
                "prefix or 'model.'");
}

TEST_SUITE_END();
