// SPDX-License-Identifier: MIT
#include "about.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <nlohmann/json.hpp>

#include "../pretrain/config_file.hpp"
#include "../study/presets.hpp"

using namespace optiform;
namespace fs = std::filesystem;

namespace {

Index number_in(const std::string& text, const std::string& source, const std::string& key) {
  Index number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end || number < 0)
    fail(source, " says that ", key, " is ", in_quotes(text), "; expected a whole number");
  return number;
}

/// A run of pretrain or of a study.
About about_run(const fs::path& config) {
  About about;
  about.source = "config " + in_quotes(config);
  for (const ConfigEntry& entry : read_config(config)) {
    if (entry.key == "rule") about.rule = entry.value;
    if (entry.key == "shape") about.shape = entry.value;
    for (const auto& [key, number] :
         {std::pair("layers", &about.layers), std::pair("vocabulary", &about.vocabulary),
          std::pair("context", &about.context)})
      if (entry.key == key) *number = number_in(entry.value, about.source, key);
  }
  const auto shapes = known_shapes();
  const auto known = std::find_if(shapes.begin(), shapes.end(),
                                  [&](const Preset& preset) { return preset.name == about.shape; });
  if (known == shapes.end())
    fail(about.source, " says that the shape is ", in_quotes(about.shape),
         ", which convert does not know");
  about.heads = known->shape.heads;
  about.width = known->shape.width;
  about.hidden = known->shape.hidden;
  return about;
}

bool has_head(const SafetensorsFile& file) {
  return std::any_of(file.tensors().begin(), file.tensors().end(),
                     [](const auto& tensor) { return tensor.name.ends_with("lm_head.weight"); });
}

/// Fails where a field makes another function of the same tensors.
void require_gpt2_function(const nlohmann::json& json, const std::string& source) {
  const std::pair<const char*, nlohmann::json> fields[] = {
      {"layer_norm_epsilon", 1e-5},
      {"scale_attn_weights", true},
      {"scale_attn_by_inverse_layer_idx", false},
  };
  for (const auto& [key, expected] : fields) {
    const auto found = json.find(key);
    if (found != json.end() && !found->is_null() && *found != expected)
      fail(source, " says that ", key, " is ", found->dump(), "; expected ", expected.dump(),
           ", of GPT-2");
  }
}

/// Hugging Face's GPT-2.
About about_gpt2(const fs::path& config, const SafetensorsFile& file) {
  About about;
  about.source = "config " + in_quotes(config);
  const auto json =
      nlohmann::json::parse(read_small_file(config, 1'000'000, "config.json"), nullptr, false);
  if (!json.is_object()) fail(about.source, " is no JSON object");
  const auto number = [&](const char* key) -> Index {
    const auto found = json.find(key);
    if (found == json.end() || found->is_null()) return 0;
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() > 1'000'000'000)
      fail(about.source, " says that ", key, " is ", found->dump(), "; expected a whole number");
    return found->get<Index>();
  };
  about.heads = number("n_head");
  about.layers = number("n_layer");
  about.width = number("n_embd");
  about.hidden = number("n_inner");
  about.vocabulary = number("vocab_size");
  about.context = number("n_positions");
  const auto activation = json.value("activation_function", nlohmann::json("gelu_new"));
  if (activation != "gelu_new" && activation != "gelu")
    fail(about.source, " says that the activation is ", activation.dump(),
         "; expected gelu_new, of GPT-2, or gelu, of models without biases");
  about.biases = activation == "gelu_new";
  require_gpt2_function(json, about.source);
  if (json.value("tie_word_embeddings", nlohmann::json()) == false && !has_head(file))
    fail(about.source, " says that tie_word_embeddings is false, and the file ",
         in_quotes(file.path()),
         " has no 'lm_head.weight'; expected a head that is the token table");
  return about;
}

}  // namespace

About read_about(const fs::path& from, const SafetensorsFile& file) {
  if (fs::is_directory(from) && fs::exists(from / "config.toml"))
    return about_run(from / "config.toml");
  const fs::path folder = fs::is_directory(from) ? from : from.parent_path();
  if (file.path().filename() == "model.safetensors" && fs::exists(folder / "config.json"))
    return about_gpt2(folder / "config.json", file);
  About about;
  about.source = "the metadata of " + in_quotes(file.path());
  for (const auto& [key, value] : file.metadata()) {
    if (key == "optiform.rule") about.rule = value;
    if (key == "optiform.heads") about.heads = number_in(value, about.source, key);
  }
  return about;
}

std::map<std::string, std::string> metadata_of(const About& about) {
  std::map<std::string, std::string> metadata{{"format", "pt"}};
  if (!about.rule.empty()) metadata["optiform.rule"] = about.rule;
  if (about.heads > 0) metadata["optiform.heads"] = std::to_string(about.heads);
  return metadata;
}

std::vector<Preset> known_shapes() {
  std::vector<Preset> shapes(std::begin(presets), std::end(presets));
  shapes.insert(shapes.end(), std::begin(study_presets), std::end(study_presets));
  return shapes;
}
