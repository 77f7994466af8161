// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>

#include <optiform/training/generation.hpp>

#include "bigram_model.hpp"

using namespace optiform;

namespace {

/// Writes a given script, whatever it is told: token i of a sequence is script[i % size].
class Scripted final : public AnyDecoder {
 public:
  Scripted(Index capacity, std::vector<std::string> scripts)
      : capacity_(capacity), scripts_(std::move(scripts)), length_(scripts_.size()) {}
  Index sequences() const override { return static_cast<Index>(scripts_.size()); }
  Index capacity() const override { return capacity_; }
  Index vocabulary() const override { return 256; }
  Index length(Index sequence) const override {
    return length_[static_cast<std::size_t>(sequence)];
  }
  void restart(Index sequence) override {
    length_[static_cast<std::size_t>(sequence)] = 0;
    ++restarts;
  }
  void pack() override {}
  void append(std::span<const Tokens> tokens, std::span<float> logits) override {
    for (std::size_t b = 0; b < tokens.size(); ++b) {
      if (tokens[b].empty()) continue;
      length_[b] += static_cast<Index>(tokens[b].size());
      CHECK(length_[b] <= capacity_);
      told.emplace_back(b, std::vector<std::int32_t>(tokens[b].begin(), tokens[b].end()));
      const std::string& script = scripts_[b];
      std::fill_n(logits.begin() + static_cast<std::ptrdiff_t>(256 * b), 256, 0.0f);
      logits[256 * b + static_cast<unsigned char>(script[said_[b]++ % script.size()])] = 50;
    }
  }
  std::vector<std::pair<std::size_t, std::vector<std::int32_t>>> told;
  int restarts = 0;

 private:
  Index capacity_;
  std::vector<std::string> scripts_;
  std::vector<Index> length_;
  std::size_t said_[4]{};
};

struct Written {
  Generation generation;
  std::vector<std::vector<std::string>> pieces;
};
Written write(Scripted& decoder, const std::vector<std::string>& prompts,
              const GenerationOptions& options) {
  Written w;
  w.pieces.resize(prompts.size());
  w.generation = generate(decoder, Bytes(), prompts, options, [&](Index b, std::string_view piece) {
    w.pieces[static_cast<std::size_t>(b)].emplace_back(piece);
  });
  for (std::size_t b = 0; b < prompts.size(); ++b) {
    std::string joined;
    for (const auto& piece : w.pieces[b]) joined += piece;
    CHECK(joined == w.generation.texts[b].text);
  }
  return w;
}

std::vector<std::string> streamed(std::vector<std::string> stops, const std::string& text,
                                  std::size_t piece) {
  TextStream stream(std::move(stops));
  std::vector<std::string> out;
  for (std::size_t i = 0; i < text.size(); i += piece)
    out.push_back(stream.add(text.substr(i, piece)));
  out.push_back(stream.finish());
  return out;
}
std::string joined(const std::vector<std::string>& pieces) {
  std::string all;
  for (const auto& p : pieces) all += p;
  return all;
}

const GenerationOptions greedy{.sampling = {.temperature = 0}, .tokens = 12};

}  // namespace

TEST_CASE("TextStream: characters stay whole, whatever the pieces") {
  const std::string text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";  // 1, 2, 3, 4 and 1 bytes
  CHECK(streamed({}, text, 1) == std::vector<std::string>{"a", "", "\xc3\xa4", "", "",
                                                          "\xe2\x82\xac", "", "", "",
                                                          "\xf0\x9f\x98\x80", "z", ""});
  for (std::size_t piece = 1; piece < 12; ++piece) CHECK(joined(streamed({}, text, piece)) == text);
  // What is no UTF-8 passes, at the latest at the end.
  CHECK(joined(streamed({}, "\x80\x80\xff\xc3", 1)) == "\x80\x80\xff\xc3");
}

TEST_CASE("TextStream: the text ends before the first stop string, across pieces of any size") {
  for (std::size_t piece = 1; piece < 20; ++piece) {
    CHECK(joined(streamed({"END"}, "one EN ENEND two", piece)) == "one EN EN");
    CHECK(joined(streamed({"xyz", "\n\n"}, "a\nb\n\nc", piece)) == "a\nb");
    CHECK(joined(streamed({"aab"}, "aaaab", piece)) == "aa");
    CHECK(joined(streamed({"never"}, "nev neve", piece)) == "nev neve");
  }
  TextStream stream({"stop"});
  CHECK(stream.add("a sto") == "a ");
  CHECK(stream.add("ne st") == "stone ");
  CHECK(!stream.stopped());
  CHECK(stream.add("op it") == "");
  CHECK(stream.stopped());
  CHECK(stream.add("more") == "");
}

TEST_CASE("generate: prompts are read at once, then one token of each at a time") {
  Scripted decoder(64, {"abc", "xy"});
  const auto [g, pieces] = write(decoder, {"hello", "w"}, greedy);
  CHECK(g.texts[0].text == "abcabcabcabc");
  CHECK(g.texts[1].text == "xyxyxyxyxyxy");
  CHECK(pieces[0].size() == 12);
  CHECK(g.texts[0].prompt_tokens == 5);
  CHECK(g.texts[0].ids.size() == 17);
  CHECK(g.prompt_tokens() == 6);
  CHECK(g.new_tokens() == 24);
  CHECK(g.tokens_per_second() > 0);
  CHECK(decoder.told[0].second.size() == 5);
  CHECK(decoder.told[1].second == std::vector<std::int32_t>{'w'});
  for (std::size_t i = 2; i < decoder.told.size(); ++i) CHECK(decoder.told[i].second.size() == 1);
  CHECK(decoder.told.size() == 2 + 2 * 11);  // the last token of all need not be read
}

TEST_CASE("generate: a stop string, the end of text and the length end a text each on its own") {
  Scripted decoder(64, {"one.two", "ab", std::string("cd\0", 3)});
  GenerationOptions options = greedy;
  options.stops = {".t"};
  options.end_of_text = 0;
  const auto w = write(decoder, {"p", "p", "p"}, options);
  const auto& texts = w.generation.texts;
  CHECK(texts[0].text == "one");
  CHECK(texts[0].stopped);
  CHECK(texts[1].text == "abababababab");
  CHECK(!texts[1].stopped);
  CHECK(texts[2].text == "cd");
  CHECK(texts[2].stopped);
  CHECK(texts[2].new_tokens() == 3);
}

TEST_CASE("generate: a text that outgrows the decoder goes on with its last half") {
  Scripted decoder(8, {"0123456789"});
  const auto w = write(decoder, {"prompt that is too long"}, greedy);
  CHECK(w.generation.texts[0].text == "012345678901");
  CHECK(decoder.told[0].second.size() == 8);  // the end of the prompt
  const std::string first = "long0";          // half of 8 and the newest
  CHECK(decoder.told[1].second == std::vector<std::int32_t>(first.begin(), first.end()));
  CHECK(decoder.told[2].second.size() == 1);
  CHECK(decoder.restarts > 2);
  Scripted smallest(1, {"ab"});
  CHECK(write(smallest, {"p"}, greedy).generation.texts[0].text == "abababababab");
}

TEST_CASE("generate: the same seed repeats the texts, whose numbers tell them apart") {
  fake::BigramTrainer<> model(fake::Options{.vocabulary = 256, .context = 64}, {}, {.length = 8});
  model.allocate(Purpose::inference);
  const auto texts = [&](std::uint64_t seed, const std::vector<std::string>& prompts) {
    const auto decoder = model.decoder(static_cast<Index>(prompts.size()), 64);
    std::vector<std::vector<std::int32_t>> ids;
    const GenerationOptions options{
        .sampling = {.temperature = 1, .top_k = 0, .seed = seed, .vocabulary = 100}, .tokens = 40};
    for (const auto& text : generate(*decoder, Bytes(), prompts, options).texts)
      ids.push_back(text.ids);
    return ids;
  };
  const auto one = texts(1, {"a", "a"});
  CHECK(one[0].size() == 41);
  CHECK(one == texts(1, {"a", "a"}));
  CHECK(one[0] != one[1]);
  CHECK(one[0] == texts(1, {"a"})[0]);
  CHECK(one[0] != texts(2, {"a"})[0]);
  for (std::size_t i = 1; i < 41; ++i) CHECK(one[0][i] < 100);
  CHECK(texts(1, {""})[0][0] == 0);
}

TEST_CASE("generate: bad requests are refused in one sentence") {
  Scripted decoder(8, {"ab"});
  const auto refusal = [&](const std::vector<std::string>& prompts, GenerationOptions options) {
    try {
      generate(decoder, Bytes(), prompts, options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal({"a", "b"}, {}) == "there are 2 prompts, expected 1");
  CHECK(refusal({"a"}, {.tokens = 0}) == "number of tokens is 0; expected at least 1");
  CHECK(refusal({"a"}, {.stops = {""}}) ==
        "a stop string is empty; expected at least one character");
  CHECK(refusal({"a"}, {.sampling = {.top_p = 0}}) ==
        "top-p is 0; expected more than 0 and at most 1 (all)");
}
