// SPDX-License-Identifier: MIT
// What convert reads beside the weights, and what it says where that is not true.
#include <optiform/io/parameters.hpp>

#include "program.hpp"

using namespace optiform;
using namespace programs;

namespace {

bool all_built() {
  const bool all = built() && fs::exists(path("convert")) && fs::exists(path("study"));
  if (!all) MESSAGE("skipped: the example programs were not built");
  return all;
}

void succeeds(const Folder& folder, const std::string& program, const Arguments& arguments) {
  const Result result = run(folder.path, program, arguments);
  INFO(result.err);
  REQUIRE(result.code == 0);
}

/// A run of the study's shape: 12 heads, where pretrain's shape of the same sizes has 3.
void train(const Folder& folder, const std::string& rule) {
  succeeds(folder, "study",
           Arguments{"pretrain"} + small +
               Arguments{"--shape", "study", "--rule", rule, "--out", rule, "--steps", "6",
                         "--tokenizer", "bytes"});
}

std::string written(const Folder& folder, const std::string& run_directory) {
  return run(folder.path, "study",
             {"generate", run_directory, "--prompt", "the sea", "--tokens", "8", "--quiet"})
      .out;
}

/// The file without its metadata.
void forget(const fs::path& from, const fs::path& to) {
  const SafetensorsFile file(from);
  std::vector<std::vector<float>> values;
  std::vector<TensorSource> sources;
  for (const TensorDescription& tensor : file.tensors()) {
    std::size_t size = 1;
    for (const Index extent : tensor.shape) size *= static_cast<std::size_t>(extent);
    file.read(tensor.name, tensor.shape, values.emplace_back(size).data());
    sources.push_back({tensor, values.back().data()});
  }
  write_safetensors(to, sources);
}

bool has_heads(const fs::path& hugging_face, const std::string& heads) {
  return read(hugging_face / "config.json").find("\"n_head\": " + heads) != std::string::npos;
}

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("convert: heads, shape and rule are those of the run, wherever the weights go") {
  if (!all_built()) return;
  const Folder folder("convert_heads");
  train(folder, "vanilla");
  succeeds(folder, "convert", {"vanilla", "hf", "--to", "gpt2"});
  CHECK(has_heads(folder.path / "hf", "12"));
  succeeds(folder, "convert", {"vanilla", "file.safetensors"});
  succeeds(folder, "convert", {"file.safetensors", "hf2", "--to", "gpt2"});
  CHECK(has_heads(folder.path / "hf2", "12"));
  // The activation in config.json tells that there are no biases.
  succeeds(folder, "convert", {"hf2", "again", "--to", "run", "--tokenizer", "bytes"});
  CHECK(read(folder.path / "again/config.toml").find("shape = \"study\"") != std::string::npos);
  const std::string text = written(folder, "vanilla");
  CHECK(text.size() > 8);
  CHECK(written(folder, "again") == text);
  // The command line counts more.
  succeeds(folder, "convert", {"hf2/model.safetensors", "hf3", "--to", "gpt2", "--heads", "6"});
  CHECK(has_heads(folder.path / "hf3", "6"));

  forget(folder.path / "file.safetensors", folder.path / "bare.safetensors");
  check_refusal(folder, "convert", {"bare.safetensors", "x", "--to", "gpt2"},
                "the weights have the sizes of shapes novels and study, of 3 and 12 heads; "
                "expected --heads with one of these");
  succeeds(folder, "convert",
           {"bare.safetensors", "three", "--to", "run", "--tokenizer", "bytes", "--heads", "3"});
  CHECK(read(folder.path / "three/config.toml").find("shape = \"novels\"") != std::string::npos);
}

TEST_CASE("convert: a rule that names of tensors do not tell") {
  if (!all_built()) return;
  const Folder folder("convert_rule");
  train(folder, "second-embedding");
  succeeds(folder, "convert", {"second-embedding", "file.safetensors"});
  succeeds(folder, "convert", {"file.safetensors", "again", "--to", "run", "--tokenizer", "bytes"});
  CHECK(written(folder, "again") == written(folder, "second-embedding"));
}

TEST_CASE("convert: what stands beside the weights and is not true of them is one sentence") {
  if (!all_built()) return;
  const Folder folder("convert_untrue");
  train(folder, "vanilla");
  const auto refused = [&](const Arguments& arguments, const std::string& sentence) {
    check_refusal(folder, "convert", arguments, sentence);
  };
  const fs::path config = folder.path / "vanilla/config.toml";
  const std::string good = read(config);
  const std::pair<std::string, std::string> wrong[] = {
      {"rule = \"tmm\"", "says that the rule is tmm; the weights are those of vanilla"},
      {"shape = \"small\"", "says that the width is 384; that of the weights is 192"},
      {"shape = \"huge\"", "says that the shape is 'huge', which convert does not know"},
      {"layers = 2", "says that the number of layers is 2; that of the weights is 1"},
      {"layers = \"two\"", "says that layers is 'two'; expected a whole number"},
      {"vocabulary = 300", "says that the vocabulary is 300; that of the weights is 256"},
      {"context = 64", "says that the context is 64; that of the weights is 128"},
      {"rule = ", "config 'vanilla/config.toml', line "},
  };
  for (const auto& [line, sentence] : wrong) {
    write(config, good);
    const std::string key = "\n" + line.substr(0, line.find(' ')) + " = ";
    std::string text = "\n" + good;
    const std::size_t at = text.find(key) + 1;
    text.replace(at, text.find('\n', at) - at, line);
    write(config, text);
    refused({"vanilla", "x"}, sentence);
  }
  write(config, good);

  succeeds(folder, "convert", {"vanilla", "hf", "--to", "gpt2"});
  const fs::path json = folder.path / "hf/config.json";
  const std::string fine = read(json);
  const struct {
    std::string from, to, sentence;
  } cases[] = {
      {"\"n_layer\": 1", "\"n_layer\": 12",
       "says that the number of layers is 12; that of the weights is 1"},
      {"\"n_embd\": 192", "\"n_embd\": 768", "says that the width is 768"},
      {"\"vocab_size\": 256", "\"vocab_size\": 50257", "says that the vocabulary is 50257"},
      {"\"n_head\": 12", "\"n_head\": 5", "the width is 192, which 5 heads do not divide"},
      {"\"n_head\": 12", "\"n_head\": \"12\"", "says that n_head is \"12\"; expected a whole"},
      {"\"n_head\": 12", "\"n_head\": -3", "says that n_head is -3; expected a whole"},
      {"\"gelu\"", "\"relu\"", "says that the activation is \"relu\"; expected gelu_new"},
      {"1e-05", "1e-06", "says that layer_norm_epsilon is 1e-06; expected 1e-05, of GPT-2"},
      {"{", "{\"scale_attn_weights\": false,",
       "says that scale_attn_weights is false; expected true, of GPT-2"},
      {"{", "{\"scale_attn_by_inverse_layer_idx\": true,",
       "says that scale_attn_by_inverse_layer_idx is true; expected false, of GPT-2"},
      {"\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false",
       "says that tie_word_embeddings is false, and the file 'hf/model.safetensors' has no "
       "'lm_head.weight'"},
      {"{", "[", "config 'hf/config.json' is no JSON object"},
  };
  for (const auto& bad : cases) {
    write(json, fine);
    replace(json, bad.from, bad.to);
    refused({"hf", "x"}, bad.sentence);
  }
  write(json, fine);  // what changes nothing, or says what GPT-2 is
  replace(json, "{",
          "{\"scale_attn_weights\": true, \"scale_attn_by_inverse_layer_idx\": null, "
          "\"reorder_and_upcast_attn\": true,");
  succeeds(folder, "convert", {"hf", "x"});
}

TEST_SUITE_END();
