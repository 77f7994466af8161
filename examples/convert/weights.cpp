// SPDX-License-Identifier: MIT
#include "weights.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include <optiform/io/checkpoint.hpp>
#include <optiform/io/gpt2.hpp>

using namespace optiform;
namespace fs = std::filesystem;

namespace {

fs::path weights_file(const fs::path& from) {
  if (!fs::is_directory(from)) return from;
  if (!fs::exists(from / "config.toml")) return from / "model.safetensors";
  const auto newest = CheckpointReader::open_latest(from / "checkpoints");
  if (!newest) fail("there is no checkpoint in ", in_quotes(from / "checkpoints"));
  return newest->weights().path();
}

ParameterTable without_biases(const ParameterTable& table) {
  ParameterTable rest;
  for (const ParameterInfo& entry : table.entries())
    if (!entry.name.ends_with(".bias"))
      rest.add(entry.name, entry.role, entry.shape, entry.initialisation);
  return rest;
}

/// The matrices that sizes are read from.
void require_sizes(const ParameterTable& table, const SafetensorsFile& file) {
  for (const char* name : {"tok_emb.weight", "pos_emb.weight", "layers.0.mlp.w1.weight"}) {
    const ParameterInfo* const entry = table.find(name);
    if (entry == nullptr) {
      std::string prefix = detail::unknown_prefix(file, name);
      if (prefix.empty()) prefix = detail::unknown_prefix(file, "wte.weight");
      fail("the file ", in_quotes(file.path()), " lacks the tensor ", in_quotes(name),
           prefix.empty() ? "; expected the reference names or Hugging Face's GPT-2" : prefix);
    }
    if (entry->shape.size() != 2 || entry->size == 0)
      fail("the file ", in_quotes(file.path()), " has tensor ", in_quotes(name), " of shape ",
           to_string(entry->shape), ", expected a matrix");
  }
}

/// The tensors that every layer has, in the sizes of the first matrices. Of a rule that is not
/// known nothing else can be asked; of others the file is then so large as memory will be.
void require_layers(const Weights& weights, const fs::path& file) {
  const auto require = [&](const std::string& name, const std::vector<Index>& shape) {
    const ParameterInfo* const entry = weights.table.find(name);
    if (entry == nullptr)
      fail("the file ", in_quotes(file), " lacks the model's tensor ", in_quotes(name),
           " of shape ", to_string(shape));
    if (entry->shape != shape)
      fail("the file ", in_quotes(file), " has tensor ", in_quotes(name), " of shape ",
           to_string(entry->shape), ", the model expects ", to_string(shape));
  };
  const Index width = weights.width(), hidden = weights.hidden(), layers = weights.layers();
  for (Index layer = 0; layer < layers; ++layer) {
    const std::string prefix = message("layers.", layer, ".");
    require(prefix + "ln_attn.weight", {width});
    require(prefix + "ln_mlp.weight", {width});
    require(prefix + "attn.out_proj.weight", {width, width});
    require(prefix + "mlp.w1.weight", {hidden, width});
    require(prefix + "mlp.w2.weight", {width, hidden});
  }
  require("final_ln.weight", {width});
  require("pos_emb.weight", {weights.rows("pos_emb.weight"), width});
}

/// Fails where what is written beside the weights is not what they are.
void require_agreement(const Weights& weights, Index vocabulary) {
  const About& about = weights.about;
  const struct {
    const char* name;
    Index said, found;
  } sizes[] = {{"number of layers", about.layers, weights.layers()},
               {"width", about.width, weights.width()},
               {"hidden size", about.hidden, weights.hidden()},
               {"vocabulary", about.vocabulary, vocabulary},
               {"context", about.context, weights.rows("pos_emb.weight")}};
  for (const auto& size : sizes)
    if (size.said > 0 && size.said != size.found)
      fail(about.source, " says that the ", size.name, " is ", size.said,
           "; that of the weights is ", size.found);
  const KnownRule *const said = find_rule(about.rule), *const found = find_rule(weights);
  if (said != nullptr &&
      (said->named_like != rule_of(weights.table.entries()) || said->biases != weights.biases()))
    fail(about.source, " says that the rule is ", about.rule, "; the weights are those of ",
         found == nullptr ? "no known rule" : found->name);
}

}  // namespace

Index Weights::layers() const {
  std::set<std::string_view> numbers;
  for (const ParameterInfo& entry : table.entries()) {
    constexpr std::string_view start = "layers.";
    if (!entry.name.starts_with(start)) continue;
    const std::string_view rest = std::string_view(entry.name).substr(start.size());
    const std::string_view number = rest.substr(0, rest.find('.'));
    if (number.find_first_not_of("0123456789") == std::string_view::npos) numbers.insert(number);
  }
  return static_cast<Index>(numbers.size());
}

std::string Weights::rule() const {
  if (!about.rule.empty()) return about.rule;
  const KnownRule* const known = find_rule(*this);
  return known == nullptr ? "" : std::string(known->name);
}

Weights read_weights(const fs::path& from, const ConvertOptions& options) {
  const SafetensorsFile file(weights_file(from));
  Weights weights;
  weights.about = read_about(from, file);
  const bool gpt2 = holds_gpt2(file);
  if (!gpt2 && (options.vocabulary > 0 || options.without_biases))
    fail("--vocabulary and --without-biases are for GPT-2's own tensors; ", in_quotes(file.path()),
         " holds those of the reference names");
  weights.table = gpt2 ? gpt2_table(file, options.vocabulary) : reference_table(file);
  if (gpt2 && (options.without_biases || !weights.about.biases.value_or(true)))
    weights.table = without_biases(weights.table);
  require_sizes(weights.table, file);
  require_agreement(weights, gpt2 ? gpt2_table(file).find("tok_emb.weight")->shape[0]
                                  : weights.rows("tok_emb.weight"));
  require_layers(weights, file.path());
  const KnownRule* const known =
      weights.about.rule.empty() ? find_rule(weights) : find_rule(weights.about.rule);
  if (known != nullptr) weights.table = expected_table(*known, weights);
  weights.values.reset(weights.table.total());
  if (gpt2)
    read_gpt2(file, weights.table, weights.values.data());
  else
    read_parameters(file, weights.table, weights.values.data());
  if (options.heads > 0) weights.about.heads = options.heads;
  if (weights.about.heads > 0 && weights.width() % weights.about.heads != 0)
    fail("the width is ", weights.width(), ", which ", weights.about.heads,
         " heads do not divide; expected --heads with a number that does");
  const bool wide = std::any_of(file.tensors().begin(), file.tensors().end(),
                                [](const auto& tensor) { return tensor.dtype == DType::f64; });
  weights.dtype = wide ? DType::f64 : DType::f32;
  return weights;
}
