// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include <optiform/io/checkpoint.hpp>
#include <optiform/io/gpt2.hpp>

#include "../pretrain/load_tokenizer.hpp"
#include "weights.hpp"

using namespace optiform;
namespace fs = std::filesystem;

namespace {

/// Calls f(values of all tensors) in the type that the weights had.
template <class F>
void with_values(const Weights& weights, F&& f) {
  if (weights.dtype == DType::f64) return f(weights.values.data());
  Buffer<float> narrow(weights.values.size());
  for (Index i = 0; i < narrow.size(); ++i) narrow[i] = static_cast<float>(weights.values[i]);
  f(narrow.data());
}

/// The shapes of pretrain and study that the weights can have.
std::vector<Preset> possible_shapes(const Weights& weights) {
  std::vector<Preset> shapes = known_shapes();
  const About& about = weights.about;
  std::erase_if(shapes, [&](const Preset& preset) {
    return preset.shape.width != weights.width() || preset.shape.hidden != weights.hidden() ||
           (about.heads > 0 && preset.shape.heads != about.heads);
  });
  return shapes;
}

/// The one shape that they have. Sizes alone may leave a choice of heads.
void require_one(const std::vector<Preset>& shapes) {
  if (shapes.size() > 1)
    fail("the weights have the sizes of shapes ", shapes[0].name, " and ", shapes[1].name, ", of ",
         shapes[0].shape.heads, " and ", shapes[1].shape.heads,
         " heads; expected --heads with one of these");
}

/// What is said, what a shape of such sizes has, or one for 64 channels, as in all of GPT-2's.
Index heads_of(const Weights& weights) {
  if (weights.about.heads > 0) return weights.about.heads;
  const std::vector<Preset> shapes = possible_shapes(weights);
  require_one(shapes);
  const Index heads = shapes.empty() ? weights.width() / 64 : Index{shapes[0].shape.heads};
  if (heads < 1 || weights.width() % heads != 0)
    fail("the width is ", weights.width(), "; expected --heads with a number that divides it");
  return heads;
}

}  // namespace

void write_reference(const fs::path& file, const Weights& weights) {
  About about = weights.about;
  if (about.heads == 0)
    if (const auto shapes = possible_shapes(weights); shapes.size() == 1)
      about.heads = shapes[0].shape.heads;
  with_values(weights, [&](const auto* values) {
    write_safetensors(file, parameter_sources(weights.table, values), metadata_of(about));
  });
}

void write_hugging_face(const fs::path& folder, const Weights& weights, Index vocabulary) {
  const Index heads = heads_of(weights);
  detail::require_gpt2_names(weights.table, detail::count_layers(weights.table));
  fs::create_directories(folder);
  with_values(weights, [&](const auto* values) {
    write_gpt2(folder / "model.safetensors", weights.table, values, vocabulary);
  });
  const nlohmann::json config{
      {"architectures", {"GPT2LMHeadModel"}},
      {"model_type", "gpt2"},
      {"activation_function", weights.biases() ? "gelu_new" : "gelu"},
      {"vocab_size", vocabulary > 0 ? vocabulary : weights.rows("tok_emb.weight")},
      {"n_positions", weights.rows("pos_emb.weight")},
      {"n_embd", weights.width()},
      {"n_inner", weights.hidden()},
      {"n_layer", weights.layers()},
      {"n_head", heads},
      {"layer_norm_epsilon", 1e-5},
      {"tie_word_embeddings", true}};
  write_file(folder / "config.json", config.dump(2) + "\n");
}

void write_run(const fs::path& folder, const Weights& weights, const std::string& tokenizer) {
  if (tokenizer.empty()) fail("a run needs a tokenizer; expected --tokenizer with a file or bytes");
  if (fs::exists(folder) && !fs::is_empty(folder))
    fail("run directory ", in_quotes(folder), " is not empty; expected a new one");
  const std::string rule = weights.rule();
  if (rule.empty() || rule.ends_with("(folded)"))
    fail("rule ", in_quotes(rule), " is none of pretrain's, so that no run can have it");
  const std::vector<Preset> shapes = possible_shapes(weights);
  if (shapes.empty())
    fail("no shape of pretrain or study has width ", weights.width(), ", hidden size ",
         weights.hidden(),
         weights.about.heads > 0 ? message(" and ", weights.about.heads, " heads") : "",
         "; expected that of tiny, novels, small, gpt2-small, study or study-wide");
  require_one(shapes);
  const std::unique_ptr<Tokenizer> known =
      tokenizer == "bytes" ? std::unique_ptr<Tokenizer>(new Bytes) : load_tokenizer(tokenizer);
  if (known->vocabulary() > weights.rows("tok_emb.weight"))
    fail("tokenizer ", in_quotes(tokenizer), " has ", known->vocabulary(),
         " tokens; expected at most ", weights.rows("tok_emb.weight"), ", the model's");
  const std::string bytes = known->serialized();
  const Index context = weights.rows("pos_emb.weight");
  const std::string config =
      message("rule = \"", rule, "\"\nshape = \"", shapes[0].name,
              "\"\nlayers = ", weights.layers(), "\nvocabulary = ", weights.rows("tok_emb.weight"),
              "\ncontext = ", context, "\nlength = ", context, "\ntokenizer = \"",
              bytes.empty() ? "bytes" : "tokenizer.model", "\"\n");
  Checkpoint checkpoint;
  checkpoint.state["configuration"]["checksum of the tokenizer"] = checksum(bytes);
  try {
    with_values(weights, [&](const auto* values) {
      checkpoint.weights = parameter_sources(weights.table, values);
      save_checkpoint(folder / "checkpoints", checkpoint);
    });
    if (!bytes.empty()) write_file(folder / "tokenizer.model", bytes);
    write_file(folder / "config.toml", config);
  } catch (...) {  // half a run would be in the way of the next try
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    throw;
  }
}
