// SPDX-License-Identifier: MIT
#include <string>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "decoder_checks.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

using Model = LanguageModel<decoder_shape, Usual<TripleMomentum>>;
using Trial = DecoderTrial<Model, Cpu, float>;
using On = Trial::On;

template <class F>
std::string refusal(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Feeds whole texts, then nothing more.
void feed(Trial& trial, On::Decoder& decoder) {
  const std::vector<Trial::Tokens> all(trial.text.begin(), trial.text.end());
  decoder.append(trial.run, trial.values.data(), all, trial.logits.data());
}

}  // namespace

TEST_CASE("Decoder: more tokens than one pass holds are fed in several") {
  const std::vector<Index> lengths{40, 1, 40, 39, 40, 40, 40, 40, 17, 40, 40};  // 377
  Trial trial(lengths);
  On::Decoder decoder(trial.model, static_cast<Index>(lengths.size()), 40);
  feed(trial, decoder);
  for (std::size_t b = 0; b < lengths.size(); ++b)
    CHECK(trial.error(b, trial.text[b].size()) <= 1e-5);
}

TEST_CASE("Decoder: steps are single tokens, whatever the number of threads") {
  std::vector<std::vector<float>> got;
  for (const int threads : {1, 2, 3}) {
    Trial trial({30, 30, 30}, 2, threads);
    On::Decoder decoder(trial.model, 3, 31);
    for (std::size_t t = 0; t < 30; ++t) {
      const std::int32_t now[] = {trial.text[0][t], trial.text[1][t], trial.text[2][t]};
      decoder.step(trial.run, trial.values.data(), now, trial.logits.data());
      for (std::size_t b = 0; b < 3; ++b) CHECK(trial.error(b, t + 1) <= 1e-5);
    }
    got.push_back(trial.logits);
  }
  CHECK(got[0] == got[1]);
  CHECK(got[0] == got[2]);
}

TEST_CASE("Decoder: packed weights change no bit, and are those of when they were packed") {
  for (const int threads : {1, 3}) {
    Trial trial({30, 5}, 2, threads), other({30, 5}, 2, threads);
    On::Decoder plain(trial.model, 2, 31), packed(trial.model, 2, 31);
    packed.pack(trial.values.data());
    CHECK(packed.packed_bytes() > 0);
    feed(trial, plain);
    const auto expected = trial.logits;
    feed(trial, packed);
    CHECK(trial.logits == expected);
    const std::int32_t next[] = {3, 7};
    plain.step(trial.run, trial.values.data(), next, trial.logits.data());
    auto logits = trial.logits;
    packed.step(trial.run, trial.values.data(), next, logits.data());
    CHECK(logits == trial.logits);
    CHECK(trial.run.packed() == nullptr);

    // Weights elsewhere are read as they lie.
    for (float& value : other.values) value *= 2;
    On::Decoder fresh(other.model, 2, 31);
    for (On::Decoder* decoder : {&packed, &fresh}) {
      decoder->restart(0), decoder->restart(1);
      feed(other, *decoder);
      if (decoder == &packed) logits = other.logits;
    }
    CHECK(logits == other.logits);
    CHECK(logits != expected);

    // Until they are packed again the copies are used, not what their originals have become.
    for (float& value : trial.values) value *= 2;
    packed.restart(0), packed.restart(1);
    feed(trial, packed);
    CHECK(trial.logits != expected);
    CHECK(trial.logits != logits);
    packed.pack(trial.values.data());
    packed.restart(0), packed.restart(1);
    feed(trial, packed);
    CHECK(trial.logits == logits);
  }
}

TEST_CASE("Decoder: a backend without packed weights takes no memory for them") {
  using Plain = DecoderTrial<Model, Reference, double>;
  Plain trial({9});
  typename Plain::On::Decoder decoder(trial.model, 1, 9);
  decoder.pack(trial.values.data());
  CHECK(decoder.packed_bytes() == 0);
  const Plain::Tokens all[] = {trial.text[0]};
  decoder.append(trial.run, trial.values.data(), all, trial.logits.data());
  CHECK(trial.error(0, 9) <= 1e-13);
}

TEST_CASE("Decoder: a sequence that pauses keeps its logits, one that restarts forgets") {
  Trial trial({12, 20});
  On::Decoder decoder(trial.model, 2, 40);
  feed(trial, decoder);
  const auto before = trial.logits;
  const Trial::Tokens none[2] = {};
  decoder.append(trial.run, trial.values.data(), none, trial.logits.data());
  CHECK(trial.logits == before);
  decoder.restart(1);
  CHECK(decoder.length(1) == 0);
  const Trial::Tokens again[] = {{}, trial.text[1]};
  decoder.append(trial.run, trial.values.data(), again, trial.logits.data());
  CHECK(std::equal(before.begin(), before.begin() + Trial::vocabulary, trial.logits.begin()));
  CHECK(trial.error(1, 20) <= 1e-5);
}

TEST_CASE("Decoder: the plan names the cache and grows with it") {
  const Trial trial({5});
  const MemoryPlan plan = On::Decoder::plan(trial.model, 3, 40);
  Index caches = 0;
  for (const auto& entry : plan.entries())
    if (entry.name.ends_with("keys") || entry.name.ends_with("values")) caches += entry.bytes;
  CHECK(caches == 2 * 2 * 3 * 40 * 18 * 4);  // layers, keys and values, sequences, tokens, width
  CHECK(On::Decoder::plan(trial.model, 3, 20).bytes() < plan.bytes());
}

TEST_CASE("Decoder: impossible requests are refused in one sentence") {
  Trial trial({5, 5});
  CHECK(refusal([&] { On::Decoder(trial.model, 0, 4); }) == "sequences = 0, expected at least 1");
  CHECK(refusal([&] { On::Decoder(trial.model, 1, 41); }) ==
        "capacity = 41, expected 1 to the model's context of 40");
  On::Decoder decoder(trial.model, 2, 5);
  feed(trial, decoder);
  const std::int32_t next[] = {1, 1};
  CHECK(refusal([&] { decoder.step(trial.run, trial.values.data(), next, trial.logits.data()); }) ==
        "sequence 0 has 5 tokens and gets 1, expected at most 5 in all");
  decoder.restart(0), decoder.restart(1);
  const std::int32_t bad[] = {1, Trial::vocabulary};
  CHECK(refusal([&] { decoder.step(trial.run, trial.values.data(), bad, trial.logits.data()); }) ==
        "token 0 is 19, expected 0 to 18");
  CHECK(decoder.length(0) == 0);
  const Trial::Tokens one[1] = {};
  CHECK(refusal([&] {
          decoder.append(trial.run, trial.values.data(), one, trial.logits.data());
        }) == "tokens are given for 1 sequences, expected 2");
}
