// SPDX-License-Identifier: MIT
// The program convert: layouts there and back, and what it refuses.
#include <optiform/io/parameters.hpp>

#include "program.hpp"

using namespace optiform;
using namespace programs;

namespace {

const std::string gpt2 = OPTIFORM_SOURCE_DIR "/tests/io/fixtures/gpt2_model/model.safetensors";

bool all_built() {
  if (!built()) return false;
  const bool convert = fs::exists(path("convert"));
  if (!convert) MESSAGE("skipped: convert was not built");
  return convert;
}

/// Converts without complaint.
void converted(const Folder& folder, const Arguments& arguments) {
  const Result result = run(folder.path, "convert", arguments);
  INFO(result.err);
  REQUIRE(result.code == 0);
}

/// A run of pretrain of a few steps.
void trained(const Folder& folder, const std::string& rule, const std::string& out) {
  const Result result = run(folder.path, "pretrain",
                            small + Arguments{"--rule", rule, "--out", out, "--steps", "12"});
  INFO(result.err);
  REQUIRE(result.code == 0);
}

/// Both files hold the same tensors, whatever their order; a prefix stands before the names of b.
void check_equal(const fs::path& a, const fs::path& b, const std::string& prefix = "") {
  const SafetensorsFile first(a), second(b);
  CHECK(first.tensors().size() == second.tensors().size());
  for (const TensorDescription& tensor : first.tensors()) {
    CAPTURE(tensor.name);
    REQUIRE(second.contains(prefix + tensor.name));
    std::size_t size = 1;
    for (const Index extent : tensor.shape) size *= static_cast<std::size_t>(extent);
    std::vector<double> x(size), y(size, 1);
    first.read(tensor.name, tensor.shape, x.data());
    second.read(prefix + tensor.name, tensor.shape, y.data());
    CHECK(x == y);
  }
}

std::string written(const Folder& folder, const std::string& run_directory) {
  return run(folder.path, "generate",
             {run_directory, "--prompt", "the sea", "--tokens", "8", "--quiet"})
      .out;
}

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("convert: Hugging Face's GPT-2 to the reference names and back, bit by bit") {
  if (!all_built()) return;
  const Folder folder("convert_gpt2");
  converted(folder, {gpt2, "reference.safetensors"});
  const SafetensorsFile reference(folder.path / "reference.safetensors");
  CHECK(reference.describe("layers.1.attn.qkv_proj.weight").shape == std::vector<Index>{36, 12});
  converted(folder, {"reference.safetensors", "hf", "--to", "gpt2", "--heads", "3"});
  check_equal(gpt2, folder.path / "hf/model.safetensors", "transformer.");
  const std::string config = read(folder.path / "hf/config.json");
  CHECK(config.find("\"n_head\": 3") != std::string::npos);
  CHECK(config.find("\"activation_function\": \"gelu_new\"") != std::string::npos);

  converted(folder, {"hf", "padded.safetensors", "--vocabulary", "32"});
  CHECK(SafetensorsFile(folder.path / "padded.safetensors").describe("tok_emb.weight").shape[0] ==
        32);
  converted(folder,
            {"padded.safetensors", "cut", "--to", "gpt2", "--heads", "3", "--vocabulary", "17"});
  check_equal(gpt2, folder.path / "cut/model.safetensors", "transformer.");
}

TEST_CASE("convert: a run to a file, to Hugging Face, and back to a run that writes the same") {
  if (!all_built()) return;
  const Folder folder("convert_run");
  for (const std::string rule : {"gpt2", "vanilla", "tmm"}) {
    CAPTURE(rule);
    trained(folder, rule, rule);
    const std::string file = rule + ".safetensors", again = rule + "-again";
    converted(folder, {rule, file});
    std::string source = file;
    if (rule != "tmm") {
      source = rule + "-hf";
      converted(folder, {file, source, "--to", "gpt2"});
    }
    Arguments back{source, again, "--to", "run", "--tokenizer", "bytes"};
    converted(folder, back);
    const std::string text = written(folder, rule);
    CHECK(text.size() > 8);
    CHECK(written(folder, again) == text);
  }
}

TEST_CASE("convert: --fold leaves no scale, and pretrain's rules refuse what is left") {
  if (!all_built()) return;
  const Folder folder("convert_fold");
  trained(folder, "tmm", "run");
  converted(folder, {"run", "folded.safetensors", "--fold"});
  const SafetensorsFile file(folder.path / "folded.safetensors");
  CHECK(rule_of(file.tensors()) == "momentum (folded)");
  check_refusal(folder, "convert",
                {"folded.safetensors", "x", "--to", "run", "--tokenizer", "bytes"},
                "rule 'momentum (folded)' is none of pretrain's");
  check_refusal(folder, "convert", {"folded.safetensors", "x", "--fold"},
                "rule 'momentum (folded)' cannot be folded");
  check_refusal(folder, "convert", {"folded.safetensors", "x", "--vocabulary", "512"},
                "--vocabulary and --without-biases are for GPT-2's own tensors");
  // A rule of one's own may make another step of the same tensors.
  fs::copy(folder.path / "run", folder.path / "own", fs::copy_options::recursive);
  replace(folder.path / "own/config.toml", "rule = 'tmm'", "rule = 'own'");
  check_refusal(folder, "convert", {"own", "x", "--fold"}, "rule 'own' cannot be folded");
  check_refusal(folder, "convert", {"run", "x", "--to", "gpt2"},
                "'vel_tok_emb.weight' has no place in GPT-2");
}

TEST_CASE("convert: bad input is refused in one sentence") {
  if (!all_built()) return;
  const Folder folder("convert_bad");
  const auto refused = [&](const Arguments& arguments, const std::string& sentence) {
    check_refusal(folder, "convert", arguments, sentence);
  };
  refused({"none.safetensors", "x"}, "none.safetensors");
  refused({"text.txt", "x"}, "cannot use the safetensors file");
  refused({gpt2, "x", "--to", "onnx"}, "layout 'onnx' is unknown");
  refused({gpt2, "x", "--vocabulary", "16"}, "the model expects [16, 12]");
  refused({gpt2, "x", "--without-biases"}, "that is not zero, and the model has no biases");
  refused({gpt2, "x", "--to", "gpt2", "--heads", "5"},
          "the width is 12, which 5 heads do not divide; expected --heads");
  refused({gpt2, "x", "--to", "run"}, "a run needs a tokenizer");
  refused({gpt2, "x", "--to", "run", "--tokenizer", "bytes"}, "no shape of pretrain");
  refused({OPTIFORM_SOURCE_DIR "/tests/io/fixtures/gpt2_model/expected.safetensors", "x"},
          "lacks the tensor 'tok_emb.weight'");
}

TEST_SUITE_END();
