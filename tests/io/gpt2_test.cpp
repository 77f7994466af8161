// SPDX-License-Identifier: MIT
// GPT-2 in Hugging Face's layout: what is read computes what PyTorch computed, what is written is
// what was read.
#include <cmath>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/rules/nesterov.hpp>

#include "gpt2.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

template <class Backend, class T>
void check_logits(double bound) {
  const auto model = fixture_model<FixtureModel<Backend, T>>();
  Buffer<T> values(model.parameters().total());
  read_gpt2(SafetensorsFile(gpt2_fixture / "model.safetensors"), model.parameters(), values.data());
  CHECK(distance_to_expected(gpt2_fixture, model, values.data()) <= bound);
}

using Exact = FixtureModel<Reference, double>;

/// The fixture's model with its weights.
struct Loaded {
  Exact model = fixture_model<Exact>();
  Buffer<double> values{model.parameters().total()};
  Loaded() {
    read_gpt2(SafetensorsFile(gpt2_fixture / "model.safetensors"), model.parameters(),
              values.data());
  }
};

std::vector<double> read_tensor(const SafetensorsFile& file, const std::string& name) {
  const auto& shape = file.describe(name).shape;
  std::size_t size = 1;
  for (const Index extent : shape) size *= static_cast<std::size_t>(extent);
  std::vector<double> values(size);
  file.read(name, shape, values.data());
  return values;
}

}  // namespace

TEST_CASE("GPT-2: logits are those of PyTorch") {
  check_logits<Reference, double>(1e-12);
  check_logits<Cpu, double>(1e-12);
  check_logits<Cpu, float>(1e-5);
}

TEST_CASE("GPT-2: the file's table is the model's") {
  const SafetensorsFile file(gpt2_fixture / "model.safetensors");
  const auto model = fixture_model<Exact>();
  const ParameterTable table = gpt2_table(file);
  REQUIRE(table.entries().size() == model.parameters().entries().size());
  for (const ParameterInfo& entry : model.parameters().entries()) {
    CAPTURE(entry.name);
    const ParameterInfo* const found = table.find(entry.name);
    REQUIRE(found != nullptr);
    CHECK(found->shape == entry.shape);
    CHECK(found->role == entry.role);
    CHECK(found->offset == entry.offset);
  }
}

TEST_CASE("GPT-2: what is written is what was read") {
  const Loaded gpt2;
  const TemporaryDirectory directory;
  write_gpt2(directory / "x", gpt2.model.parameters(), gpt2.values.data());
  const SafetensorsFile wanted(gpt2_fixture / "model.safetensors"), found(directory / "x");
  CHECK(found.metadata().at("format") == "pt");
  REQUIRE(found.tensors().size() == wanted.tensors().size());
  for (const TensorDescription& tensor : wanted.tensors()) {
    CAPTURE(tensor.name);
    CHECK(found.describe("transformer." + tensor.name).shape == tensor.shape);
    CHECK(read_tensor(found, "transformer." + tensor.name) == read_tensor(wanted, tensor.name));
  }
  Buffer<double> again(gpt2.model.parameters().total());
  read_gpt2(found, gpt2.model.parameters(), again.data());
  for (Index i = 0; i < again.size(); ++i) REQUIRE(again[i] == gpt2.values[i]);
}

TEST_CASE("GPT-2: padding rows of the vocabulary are the mean row, and are dropped again") {
  const auto model = fixture_model<Exact>(24);
  Buffer<double> values(model.parameters().total());
  read_gpt2(SafetensorsFile(gpt2_fixture / "model.safetensors"), model.parameters(), values.data());
  CHECK(distance_to_expected(gpt2_fixture, model, values.data()) <= 1e-12);
  for (Index i = 0; i < fixture_shape.width; ++i) {
    double mean = 0;
    for (Index row = 0; row < fixture_vocabulary; ++row)
      mean += values[row * fixture_shape.width + i] / fixture_vocabulary;
    for (Index row = fixture_vocabulary; row < 24; ++row)
      CHECK(values[row * fixture_shape.width + i] == doctest::Approx(mean).epsilon(1e-13));
  }
  const TemporaryDirectory directory;
  write_gpt2(directory / "x", model.parameters(), values.data(), fixture_vocabulary);
  const SafetensorsFile wanted(gpt2_fixture / "model.safetensors"), found(directory / "x");
  CHECK(read_tensor(found, "transformer.wte.weight") == read_tensor(wanted, "wte.weight"));
  CHECK_REFUSED("25 rows of a vocabulary of 24",
                write_gpt2(directory / "y", model.parameters(), values.data(), 25));
}

TEST_CASE("GPT-2: with prefixes of compilation, of training dictionaries and of several devices") {
  const Loaded gpt2;
  const SafetensorsFile fixture(gpt2_fixture / "model.safetensors");
  const TemporaryDirectory directory;
  const double step = 3;
  for (const std::string prefix :
       {"", "model.", "_orig_mod.", "module._orig_mod.", "model_state_dict.module."})
    for (const std::string inner : {"", "transformer."}) {
      CAPTURE(prefix + inner);
      const bool dictionary = prefix.starts_with("model");
      std::vector<std::vector<double>> values;
      std::vector<TensorSource> sources;
      for (const TensorDescription& tensor : fixture.tensors()) {
        values.push_back(read_tensor(fixture, tensor.name));
        sources.push_back(
            {{prefix + inner + tensor.name, DType::f64, tensor.shape}, values.back().data()});
      }
      if (dictionary) sources.push_back({{"step", DType::f64, {}}, &step});
      // The head of a network, beside `transformer.`, is the token table, which lies first.
      sources.push_back({{prefix + "lm_head.weight", DType::f64, {17, 12}}, gpt2.values.data()});
      write_safetensors(directory / "x", sources);
      const SafetensorsFile file(directory / "x");
      REQUIRE(holds_gpt2(file));
      Buffer<double> again(gpt2.values.size());
      read_gpt2(file, gpt2.model.parameters(), again.data());
      for (Index i = 0; i < again.size(); ++i) REQUIRE(again[i] == gpt2.values[i]);

      std::vector<double> other(gpt2.values.begin(), gpt2.values.begin() + 17 * 12);
      other[7] += 1;
      sources.back().data = other.data();
      write_safetensors(directory / "x", sources);
      CHECK_REFUSED("lm_head.weight' of its own", read_gpt2(SafetensorsFile(directory / "x"),
                                                            gpt2.model.parameters(), again.data()));
      sources.back() = {{prefix + inner + "h.0.more", DType::f64, {}}, &step};
      write_safetensors(directory / "x", sources);
      CHECK_REFUSED(
          "h.0.more', which a GPT-2 of 2 layers does not have",
          read_gpt2(SafetensorsFile(directory / "x"), gpt2.model.parameters(), again.data()));
    }
}

TEST_CASE("GPT-2: a model without biases goes there and back; one with biases does not fit it") {
  using Plain = LanguageModel<fixture_shape, TransformerLayer<GradientDescent, CausalAttention,
                                                              Mlp<Gelu>>>::on<Reference, double>;
  const auto model = fixture_model<Plain>();
  Buffer<double> values(model.parameters().total()), again(values.size());
  model.initialise(values.data(), 3);
  const TemporaryDirectory directory;
  write_gpt2(directory / "x", model.parameters(), values.data());
  const SafetensorsFile file(directory / "x");
  CHECK(read_tensor(file, "transformer.h.1.attn.c_attn.bias") == std::vector<double>(36));
  read_gpt2(file, model.parameters(), again.data());
  for (Index i = 0; i < again.size(); ++i) REQUIRE(again[i] == values[i]);
  CHECK_REFUSED("'h.0.ln_1.bias' that is not zero, and the model has no biases",
                read_gpt2(SafetensorsFile(gpt2_fixture / "model.safetensors"), model.parameters(),
                          again.data()));
}

TEST_CASE("GPT-2: what does not fit is refused in one sentence") {
  const SafetensorsFile file(gpt2_fixture / "model.safetensors");
  const auto refused = [&](const auto& model) {
    Buffer<double> values(model.parameters().total());
    return refusal([&] { read_gpt2(file, model.parameters(), values.data()); });
  };
  const Exact deeper({.vocabulary = 17, .context = 9, .layers = {3}});
  CHECK(refused(deeper).ends_with("lacks the tensor 'h.2.ln_1.weight' of GPT-2"));
  const Exact shallow({.vocabulary = 17, .context = 9, .layers = {1}});
  CHECK(refused(shallow).find("'h.1.") != std::string::npos);
  CHECK(refused(shallow).ends_with("which a GPT-2 of 1 layers does not have"));
  const Exact longer({.vocabulary = 17, .context = 10, .layers = {2}});
  CHECK(refused(longer).ends_with(
      "has tensor 'wpe.weight' for shape [9, 12] of 'pos_emb.weight', the model expects [10, 12]"));
  const Exact fewer({.vocabulary = 16, .context = 9, .layers = {2}});
  CHECK(refused(fewer).ends_with("of 'tok_emb.weight', the model expects [16, 12]"));
  using Momentum =
      LanguageModel<fixture_shape,
                    TransformerLayer<Nesterov, CausalAttention, Mlp<Gelu>>>::on<Reference, double>;
  const auto momentum = fixture_model<Momentum>();
  CHECK(refused(momentum) == "the model's tensor 'vel_tok_emb.weight' has no place in GPT-2");
}

TEST_CASE("GPT-2: damaged weights and another head are refused, a causal mask is not") {
  Loaded gpt2;
  const TemporaryDirectory directory;
  const auto& table = gpt2.model.parameters();
  Buffer<double> again(table.total());
  const auto with = [&](const std::string& name, std::vector<Index> shape, const double* data) {
    std::vector<TensorSource> sources;
    std::vector<std::vector<double>> kept;
    const SafetensorsFile file(gpt2_fixture / "model.safetensors");
    for (const TensorDescription& tensor : file.tensors()) {
      kept.push_back(read_tensor(file, tensor.name));
      sources.push_back({tensor, kept.back().data()});
    }
    sources.push_back({{name, DType::f64, std::move(shape)}, data});
    write_safetensors(directory / "x", sources);
    read_gpt2(SafetensorsFile(directory / "x"), table, again.data());
  };
  const std::vector<double> mask(81, 1.0);
  with("h.0.attn.bias", {1, 1, 9, 9}, mask.data());
  CHECK(again[0] == gpt2.values[0]);
  with("lm_head.weight", {17, 12}, gpt2.values.data());  // the token table lies first
  std::vector<double> other(gpt2.values.begin(), gpt2.values.begin() + 17 * 12);
  other[7] += 1;
  CHECK_REFUSED("'lm_head.weight' of its own", with("lm_head.weight", {17, 12}, other.data()));
  CHECK_REFUSED("'h.0.more', which a GPT-2 of 2 layers does not have",
                with("h.0.more", {81}, mask.data()));

  gpt2.values[table.find("layers.1.mlp.w1.weight")->offset + 3] = std::nan("");
  write_gpt2(directory / "x", table, gpt2.values.data());
  CHECK_REFUSED("NaN in tensor 'transformer.h.1.mlp.c_fc.weight'",
                read_gpt2(SafetensorsFile(directory / "x"), table, again.data()));
  CHECK_REFUSED("holds no GPT-2",
                gpt2_table(SafetensorsFile(gpt2_fixture / "expected.safetensors")));
}
