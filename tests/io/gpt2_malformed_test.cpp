// SPDX-License-Identifier: MIT
// GPT-2 files that are not what they should be: one sentence, and no weight is changed.
#include <cmath>
#include <functional>

#include <optiform/cpu/reference.hpp>

#include "gpt2.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

/// A tensor on its way into a file.
struct Tensor {
  TensorDescription about;
  std::vector<double> values;
};

/// The fixture's tensors, in a file when they have been changed.
class Malformed {
 public:
  Malformed() {
    const SafetensorsFile file(gpt2_fixture / "model.safetensors");
    for (const TensorDescription& tensor : file.tensors()) {
      std::size_t size = 1;
      for (const Index extent : tensor.shape) size *= static_cast<std::size_t>(extent);
      tensors.push_back({{tensor.name, DType::f64, tensor.shape}, std::vector<double>(size)});
      file.read(tensor.name, tensor.shape, tensors.back().values.data());
    }
  }

  Tensor& at(const std::string& name) {
    for (Tensor& tensor : tensors)
      if (tensor.about.name == name) return tensor;
    FAIL("no tensor " << name);
    return tensors[0];
  }
  void remove(const std::string& part) {
    std::erase_if(tensors, [&](const Tensor& tensor) {
      return tensor.about.name.find(part) != std::string::npos;
    });
  }
  void reshape(const std::string& name, std::vector<Index> shape) {
    std::size_t size = 1;
    for (const Index extent : shape) size *= static_cast<std::size_t>(extent);
    at(name).about.shape = std::move(shape);
    at(name).values.resize(size);
  }

  /// The sentence with which the fixture's model refuses the file, and keeps its weights.
  std::string refused() const {
    const TemporaryDirectory directory;
    std::vector<TensorSource> sources;
    for (const Tensor& tensor : tensors) sources.push_back({tensor.about, tensor.values.data()});
    write_safetensors(directory / "x", sources);
    const auto model = fixture_model<FixtureModel<Reference, double>>();
    Buffer<double> values(model.parameters().total());
    for (Index i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
    const std::string sentence = refusal(
        [&] { read_gpt2(SafetensorsFile(directory / "x"), model.parameters(), values.data()); });
    CHECK(sentence.find('\n') == std::string::npos);
    for (Index i = 0; i < values.size(); ++i) REQUIRE(values[i] == static_cast<double>(i));
    return sentence;
  }

  std::vector<Tensor> tensors;
};

using Change = std::function<void(Malformed&)>;

}  // namespace

TEST_CASE("GPT-2: a malformed file is one sentence and changes no weight") {
  const struct {
    Change change;
    std::string end;
  } cases[] = {
      {[](Malformed& m) { m.remove("wte."); }, "holds no GPT-2: it lacks the tensor 'wte.weight'"},
      {[](Malformed& m) { m.remove("h."); },
       "holds no layer of GPT-2: it lacks the tensor 'h.0.ln_1.weight'"},
      {[](Malformed& m) { m.remove("ln_f.bias"); }, "lacks the tensor 'ln_f.bias' of GPT-2"},
      {[](Malformed& m) { m.remove("h.1.mlp.c_proj.weight"); },
       "lacks the tensor 'h.1.mlp.c_proj.weight' of GPT-2"},
      {[](Malformed& m) { m.reshape("h.1.attn.c_attn.weight", {432}); },
       "'h.1.attn.c_attn.weight' for shape [432] of 'layers.1.attn.qkv_proj.weight', the model "
       "expects [36, 12]"},
      {[](Malformed& m) { m.reshape("wte.weight", {204}); },
       "'wte.weight' for shape [204] of 'tok_emb.weight', the model expects [17, 12]"},
      {[](Malformed& m) {
         m.reshape("h.0.ln_2.bias", {12, 1});
       },
       "'h.0.ln_2.bias' for shape [12, 1] of 'layers.0.ln_mlp.bias', the model expects [12]"},
      {[](Malformed& m) {
         m.reshape("h.0.mlp.c_fc.weight", {48, 12});
       },
       "'h.0.mlp.c_fc.weight' for shape [12, 48] of 'layers.0.mlp.w1.weight', the model expects "
       "[48, 12]"},
      {[](Malformed& m) { m.at("ln_f.weight").values[3] = std::nan(""); },
       "has NaN in tensor 'ln_f.weight', element 3; expected finite weights"},
      {[](Malformed& m) { m.at("h.1.mlp.c_proj.weight").values[0] = HUGE_VAL; },
       "has infinity in tensor 'h.1.mlp.c_proj.weight', element 0; expected finite weights"},
  };
  for (const auto& bad : cases) {
    Malformed malformed;
    bad.change(malformed);
    const std::string sentence = malformed.refused();
    INFO(sentence);
    CHECK(sentence.ends_with(bad.end));
  }
}

TEST_CASE("GPT-2: an empty token table cannot be padded") {
  Malformed malformed;
  malformed.reshape("wte.weight", {0, 12});
  CHECK(malformed.refused().find("'wte.weight' of shape [0, 12]") != std::string::npos);
}
