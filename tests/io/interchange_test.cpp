// SPDX-License-Identifier: MIT
// Weights under the reference names: the spellings that are accepted, and what is refused.
#include <cmath>

#include <optiform/cpu/reference.hpp>
#include <optiform/depth/folding.hpp>
#include <optiform/depth/language_model.hpp>
#include <optiform/io/parameters.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>
#include <optiform/rules/rules.hpp>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

template <class Rule>
using SmallModel = typename LanguageModel<
    ModelShape{.width = 8, .heads = 2, .hidden = 16},
    TransformerLayer<Rule, CausalAttention, Mlp<Gelu>>>::template on<Reference, double>;

template <class Rule>
SmallModel<Rule> small_model(Index vocabulary = 11) {
  return SmallModel<Rule>({.vocabulary = vocabulary, .context = 4, .layers = {2}});
}

/// A model's initial values in a file, under names changed by `rename`, and other tensors with it.
template <class Rule, class Rename>
Buffer<double> save_as(const std::filesystem::path& path, Rename&& rename,
                       std::vector<TensorSource> others = {}) {
  const auto model = small_model<Rule>();
  Buffer<double> values(model.parameters().total());
  model.initialise(values.data(), 5);
  auto sources = parameter_sources(model.parameters(), values.data());
  for (TensorSource& source : sources) source.name = rename(source.name);
  sources.insert(sources.end(), others.begin(), others.end());
  write_safetensors(path, sources);
  return values;
}

const auto as_it_is = [](const std::string& name) { return name; };

template <class Rule>
std::string refused(const std::filesystem::path& path, Index vocabulary = 11) {
  const auto model = small_model<Rule>(vocabulary);
  Buffer<double> values(model.parameters().total());
  return refusal(
      [&] { read_parameters(SafetensorsFile(path), model.parameters(), values.data()); });
}

}  // namespace

TEST_CASE_TEMPLATE("reference names: with prefixes of compilation and of training dictionaries",
                   Rule, GradientDescent, HeavyBall, Nesterov, TripleMomentum, RmsProp, Adam,
                   AdamW) {
  const TemporaryDirectory directory;
  const double number = 3;
  const std::vector<TensorSource> others{{{"step", DType::f64, {}}, &number},
                                         {{"optimizer_adamw.0.exp_avg", DType::f64, {1}}, &number},
                                         {{"val_loss", DType::f64, {}}, &number}};
  const std::string prefixes[] = {"",
                                  "_orig_mod.",
                                  "module.",
                                  "module._orig_mod.",
                                  "model.",
                                  "model._orig_mod.",
                                  "_orig_mod.model.",
                                  "model_state_dict.",
                                  "model_state_dict.module._orig_mod."};
  const auto model = small_model<Rule>();
  for (const std::string& prefix : prefixes) {
    CAPTURE(prefix);
    const auto values = save_as<Rule>(
        directory / "x", [&](const std::string& name) { return prefix + name; },
        prefix.find("model") == std::string::npos ? std::vector<TensorSource>{} : others);
    Buffer<double> again(values.size());
    read_parameters(SafetensorsFile(directory / "x"), model.parameters(), again.data());
    for (Index i = 0; i < again.size(); ++i) REQUIRE(again[i] == values[i]);
  }
}

TEST_CASE("reference names: shapes of scalars, and AdamW's number without a dimension") {
  const ParameterTable table = small_model<AdamW>().parameters();
  CHECK(table.find("layers.1.lambda_mlp_raw")->shape.empty());
  CHECK(table.find("layers.0.beta1_attn_raw")->shape == std::vector<Index>{1});
  for (const char* name :
       {"tok_emb.weight", "pos_emb.weight", "m_tok_emb.weight", "m_pos_emb.weight",
        "layers.0.ln_attn.weight", "layers.0.ln_update_mlp.weight", "layers.1.attn.qkv_proj.weight",
        "layers.1.attn.out_proj.weight", "layers.1.mlp.w1.weight", "layers.1.mlp.w2.weight",
        "layers.0.gamma_attn_raw", "final_ln.weight"}) {
    CAPTURE(name);
    CHECK(table.find(name) != nullptr);
  }
  const ParameterTable tmm = small_model<TripleMomentum>().parameters();
  for (const char* name : {"vel_tok_emb.weight", "vel_pos_emb.weight", "layers.1.ln_v_attn.weight",
                           "layers.1.nu_mlp_raw", "layers.0.mu_attn_raw"}) {
    CAPTURE(name);
    CHECK(tmm.find(name) != nullptr);
  }
}

TEST_CASE("reference names: a number may have one dimension or none") {
  const TemporaryDirectory directory;
  const auto model = small_model<AdamW>();
  Buffer<double> values(model.parameters().total()), again(values.size());
  model.initialise(values.data(), 5);
  for (const std::vector<Index>& shape : {std::vector<Index>{}, {1}, {1, 1}, {2}}) {
    CAPTURE(to_string(shape));
    auto sources = parameter_sources(model.parameters(), values.data());
    for (TensorSource& source : sources)
      if (source.name.ends_with("_raw")) source.shape = shape;
    write_safetensors(directory / "x", sources);
    const std::string sentence = refusal([&] {
      read_parameters(SafetensorsFile(directory / "x"), model.parameters(), again.data());
    });
    if (shape.empty() || shape == std::vector<Index>{1}) {
      CHECK(sentence == "");
      for (Index i = 0; i < again.size(); ++i) REQUIRE(again[i] == values[i]);
    } else {
      CHECK(sentence.ends_with("_attn_raw' of shape " + to_string(shape) +
                               ", the model expects [1]"));
    }
  }
}

TEST_CASE("reference names: a prefix that nobody knows is named") {
  const TemporaryDirectory directory;
  save_as<Nesterov>(directory / "x", [](const std::string& name) { return "net." + name; });
  CHECK(refused<Nesterov>(directory / "x")
            .ends_with("lacks the model's tensor 'tok_emb.weight' of shape [11, 8]; it has "
                       "'net.tok_emb.weight', expected no prefix or 'model.', 'model_state_dict.' "
                       "or 'module.'"));
}

TEST_CASE("reference names tell the rule") {
  CHECK(rule_of(small_model<GradientDescent>().parameters().entries()) == "vanilla");
  CHECK(rule_of(small_model<HeavyBall>().parameters().entries()) == "heavy-ball");
  CHECK(rule_of(small_model<Nesterov>().parameters().entries()) == "nesterov");
  CHECK(rule_of(small_model<TripleMomentum>().parameters().entries()) == "tmm");
  CHECK(rule_of(small_model<Adam>().parameters().entries()) == "adam");
  CHECK(rule_of(small_model<AdamW>().parameters().entries()) == "adamw");
  CHECK(rule_of(small_model<RmsProp>().parameters().entries()) == "rmsprop");
  CHECK(rule_of(small_model<FoldedMomentum>().parameters().entries()) == "momentum (folded)");
  CHECK(rule_of(small_model<UnitStep<AdamW>>().parameters().entries()) == "adamw (folded)");
  const std::vector<TensorDescription> muon{{"_orig_mod.layers.0.beta_attn_raw", {}, {}},
                                            {"layers.0.gamma_attn_raw", {}, {}},
                                            {"layers.0.ln_update_attn.weight", {}, {}}};
  CHECK(rule_of(muon) == "muon");
  CHECK(rule_of(std::vector<TensorDescription>{{"wte.weight", {}, {}}}).empty());
}

TEST_CASE("reference names: another model's file is refused in one sentence") {
  const TemporaryDirectory directory;
  const auto path = directory / "x";
  save_as<TripleMomentum>(path, as_it_is);
  CHECK(refused<Nesterov>(path) == "the file '" + path.string() +
                                       "' holds the weights of rule tmm, the model's rule is "
                                       "nesterov");
  CHECK(refused<AdamW>(path).ends_with("rule tmm, the model's rule is adamw"));
  CHECK(refused<TripleMomentum>(path, 12) ==
        "the file '" + path.string() +
            "' has tensor 'tok_emb.weight' of shape [11, 8], the model expects [12, 8]");
  save_as<TripleMomentum>(path, [](const std::string& name) {
    return name == "final_ln.weight" ? "final_norm.weight" : name;
  });
  CHECK(refused<TripleMomentum>(path).ends_with(
      "lacks the model's tensor 'final_ln.weight' of shape [8]"));
  const double number = 1;
  save_as<TripleMomentum>(path, as_it_is, {{{"more", DType::f64, {1}}, &number}});
  CHECK(refused<TripleMomentum>(path).ends_with(
      "holds tensor 'more' of shape [1], which the model does not have"));
}

TEST_CASE("reference names: NaN and infinity are refused by name") {
  const TemporaryDirectory directory;
  const auto model = small_model<Nesterov>();
  Buffer<double> values(model.parameters().total()), again(values.size());
  model.initialise(values.data(), 5);
  double& weight = values[model.parameters().find("layers.1.mlp.w2.weight")->offset + 9];
  const auto load = [&] {
    write_safetensors(directory / "x", parameter_sources(model.parameters(), values.data()));
    read_parameters(SafetensorsFile(directory / "x"), model.parameters(), again.data());
  };
  weight = std::nan("");
  CHECK_REFUSED("has NaN in tensor 'layers.1.mlp.w2.weight', element 9; expected finite weights",
                load());
  weight = INFINITY;
  CHECK_REFUSED("has infinity in tensor 'layers.1.mlp.w2.weight', element 9", load());
}
