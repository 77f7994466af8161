// SPDX-License-Identifier: MIT
#include "weights.hpp"

#include <optiform/io/checkpoint.hpp>
#include <optiform/io/gpt2.hpp>

#include "../pretrain/load_tokenizer.hpp"
#include "../pretrain/models.hpp"

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

/// Calls f(sources of all tensors) in the type that the weights had.
template <class F>
void with_values(const Weights& weights, F&& f) {
  if (weights.dtype == DType::f64) return f(weights.values.data());
  Buffer<float> narrow(weights.values.size());
  for (Index i = 0; i < narrow.size(); ++i) narrow[i] = static_cast<float>(weights.values[i]);
  f(narrow.data());
}

void write_text(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

bool has_biases(const Weights& weights) {
  return weights.table.find("layers.0.attn.qkv_proj.bias") != nullptr;
}

/// The shape of pretrain that has these sizes; null if none has.
const Preset* preset_of(const Weights& weights) {
  const auto& w1 = weights.table.find("layers.0.mlp.w1.weight")->shape;
  for (const Preset& preset : presets)
    if (w1 == std::vector<Index>{preset.shape.hidden, preset.shape.width}) return &preset;
  return nullptr;
}

}  // namespace

std::string Weights::rule() const {
  return has_biases(*this) ? "gpt2" : std::string(rule_of(table.entries()));
}

Weights read_weights(const fs::path& from, Index vocabulary, bool biases) {
  const SafetensorsFile file(weights_file(from));
  Weights weights;
  if (holds_gpt2(file)) {
    weights.table = gpt2_table(file, vocabulary);
    if (!biases) weights.table = without_biases(weights.table);
    weights.values.reset(weights.table.total());
    read_gpt2(file, weights.table, weights.values.data());
  } else {
    weights.table = reference_table(file);
    for (const char* name : {"tok_emb.weight", "pos_emb.weight", "layers.0.mlp.w1.weight"})
      if (weights.table.find(name) == nullptr)
        fail("the file ", in_quotes(file.path()), " lacks the tensor ", in_quotes(name),
             "; expected the reference names or Hugging Face's GPT-2");
    weights.values.reset(weights.table.total());
    read_parameters(file, weights.table, weights.values.data());
  }
  const bool wide = std::any_of(file.tensors().begin(), file.tensors().end(),
                                [](const auto& tensor) { return tensor.dtype == DType::f64; });
  weights.dtype = wide ? DType::f64 : DType::f32;
  return weights;
}

void write_reference(const fs::path& file, const Weights& weights) {
  with_values(weights, [&](const auto* values) {
    write_safetensors(file, parameter_sources(weights.table, values), {{"format", "pt"}});
  });
}

void write_hugging_face(const fs::path& folder, const Weights& weights, Index vocabulary,
                        Index heads) {
  const Index width = weights.table.find("tok_emb.weight")->shape.at(1);
  const Preset* const preset = preset_of(weights);
  if (heads == 0) heads = preset != nullptr ? preset->shape.heads : width / 64;
  if (heads < 1 || width % heads != 0)
    fail("the width is ", width, "; expected --heads with a number that divides it");
  detail::require_gpt2_names(weights.table, detail::count_layers(weights.table));
  fs::create_directories(folder);
  with_values(weights, [&](const auto* values) {
    write_gpt2(folder / "model.safetensors", weights.table, values, vocabulary);
  });
  const nlohmann::json config{
      {"architectures", {"GPT2LMHeadModel"}},
      {"model_type", "gpt2"},
      {"activation_function", has_biases(weights) ? "gelu_new" : "gelu"},
      {"vocab_size", vocabulary > 0 ? vocabulary : weights.rows("tok_emb.weight")},
      {"n_positions", weights.rows("pos_emb.weight")},
      {"n_embd", width},
      {"n_inner", weights.rows("layers.0.mlp.w1.weight")},
      {"n_layer", detail::count_layers(weights.table)},
      {"n_head", heads},
      {"layer_norm_epsilon", 1e-5},
      {"tie_word_embeddings", true}};
  write_text(folder / "config.json", config.dump(2) + "\n");
}

void write_run(const fs::path& folder, const Weights& weights, const std::string& tokenizer) {
  if (tokenizer.empty()) fail("a run needs a tokenizer; expected --tokenizer with a file or bytes");
  if (fs::exists(folder) && !fs::is_empty(folder))
    fail("run directory ", in_quotes(folder), " is not empty; expected a new one");
  const std::string rule = weights.rule();
  if (rule.empty() || rule.ends_with("(folded)"))
    fail("rule ", in_quotes(rule), " is none of pretrain's, so that no run can have it");
  const Preset* const preset = preset_of(weights);
  if (preset == nullptr)
    fail("no shape of pretrain has tensor 'layers.0.mlp.w1.weight' of shape ",
         to_string(weights.table.find("layers.0.mlp.w1.weight")->shape),
         "; expected that of tiny, novels, small or gpt2-small");
  const std::unique_ptr<Tokenizer> known =
      tokenizer == "bytes" ? std::unique_ptr<Tokenizer>(new Bytes) : load_tokenizer(tokenizer);
  if (known->vocabulary() > weights.rows("tok_emb.weight"))
    fail("tokenizer ", in_quotes(tokenizer), " has ", known->vocabulary(),
         " tokens; expected at most ", weights.rows("tok_emb.weight"), ", the model's");
  const std::string bytes = known->serialized();
  const Index context = weights.rows("pos_emb.weight");
  const std::string config =
      message("rule = \"", rule, "\"\nshape = \"", preset->name,
              "\"\nlayers = ", detail::count_layers(weights.table),
              "\nvocabulary = ", weights.rows("tok_emb.weight"), "\ncontext = ", context,
              "\nlength = ", context, "\ntokenizer = \"",
              bytes.empty() ? "bytes" : "tokenizer.model", "\"\n");
  Checkpoint checkpoint;
  checkpoint.state["configuration"]["checksum of the tokenizer"] =
      detail::hexadecimal(crc64(bytes.data(), bytes.size()));
  with_values(weights, [&](const auto* values) {
    checkpoint.weights = parameter_sources(weights.table, values);
    save_checkpoint(folder / "checkpoints", checkpoint);
  });
  if (!bytes.empty()) write_text(folder / "tokenizer.model", bytes);
  write_text(folder / "config.toml", config);
}
