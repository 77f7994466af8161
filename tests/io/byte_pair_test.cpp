// SPDX-License-Identifier: MIT
// GPT-2's first 800 tokens are fixtures, with encodings by tiktoken (fixtures/byte_pair.py). The
// environment variable OPTIFORM_GPT2 may name a folder with the whole vocabulary.
#include <nlohmann/json.hpp>

#include <optiform/io/byte_pair.hpp>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

const BytePair& gpt2() {
  static const BytePair tokenizer = BytePair::load(fixtures / "gpt2");
  return tokenizer;
}

const BytePair& ranked() {
  static const BytePair tokenizer = BytePair::load(fixtures / "gpt2.tiktoken");
  return tokenizer;
}

std::string random_text(Rng& rng) {
  const char* const parts[] = {"'s",  "'ll", "'",  " ",          "  ",           "\n",
                               "the", " of", "12", "\xc3\xa9",   "\xe3\x80\x80", "\xe6\xbc\xa2",
                               "\r",  "-",   "I",  "\xcc\x81\t", "\xff",         "\xe3\x80"};
  std::string text;
  for (std::uint64_t n = rng.below(40); n > 0; --n) text += parts[rng.below(std::size(parts))];
  return text;
}

}  // namespace

TEST_CASE("BytePair: tiktoken's encodings, from both layouts of the vocabulary") {
  std::ifstream file(fixtures / "gpt2_encodings.json");
  const auto cases = nlohmann::json::parse(file);
  REQUIRE(cases.size() > 200);
  for (const auto& one : cases) {
    const auto text = one[0].get<std::string>();
    const auto ids = one[1].get<std::vector<std::int32_t>>();
    CAPTURE(text);
    CHECK(gpt2().encode(text) == ids);
    CHECK(ranked().encode(text) == ids);
    CHECK(gpt2().decode(ids) == text);
  }
}

TEST_CASE("BytePair: end-of-text is a token that no text contains") {
  CHECK(gpt2().vocabulary() == 801);
  CHECK(gpt2().end_of_text() == 800);
  CHECK(ranked().end_of_text() == 800);
  CHECK(gpt2().decode(std::vector<std::int32_t>{800}) == "<|endoftext|>");
  const auto ids = gpt2().encode("<|endoftext|>");
  CHECK(std::find(ids.begin(), ids.end(), 800) == ids.end());
  CHECK_THROWS_WITH_AS(gpt2().decode(std::vector<std::int32_t>{801}),
                       "token 801 is outside the tokenizer's vocabulary of 801", Error);
}

TEST_CASE("BytePair: any bytes come back, also broken UTF-8 and pieces without end") {
  Rng rng(3);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text(rng.below(60), '\0');
    for (char& c : text) c = static_cast<char>(rng.below(256));
    REQUIRE(gpt2().decode(gpt2().encode(text)) == text);
  }
  std::string endless(200'000, 'a');
  for (char& c : endless) c = static_cast<char>('a' + rng.below(20));
  CHECK(gpt2().decode(gpt2().encode(endless)) == endless);
}

TEST_CASE("BytePair: random Unicode comes back") {
  Rng rng(4);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text;
    for (std::uint64_t n = rng.below(30); n > 0; --n) {
      const auto point = static_cast<char32_t>(rng.below(rng.below(2) ? 0x110000 : 0x3000));
      if (point < 0xD800 || point > 0xDFFF) detail::append_utf8(text, point);
    }
    REQUIRE(gpt2().decode(gpt2().encode(text)) == text);
  }
}

TEST_CASE("BytePair: short and long pieces are merged by the same rules") {
  // The long way's result for a piece equals the short way's, found by cutting off what follows.
  detail::BytePairModel::Merge merges[] = {{'a', 'b', 256, 0},
                                           {'b', 'c', 257, 1},
                                           {256, 'c', 258, 2},
                                           {'a', 257, 258, 3},
                                           {257, 257, 259, 4}};
  detail::MergeTable table;
  table.fill({std::begin(merges), std::end(merges)});
  std::int32_t byte_id[256];
  for (int i = 0; i < 256; ++i) byte_id[i] = i;
  detail::PieceMerger merge(table);
  Rng rng(5);
  for (int trial = 0; trial < 500; ++trial) {
    std::string piece;
    for (int i = 0; i < 50; ++i) piece += static_cast<char>('a' + rng.below(3));
    std::vector<std::int32_t> once, twice;
    merge(piece, byte_id, once);
    merge(piece + '-' + piece, byte_id, twice);  // nothing merges with '-'
    const auto size = static_cast<std::ptrdiff_t>(once.size());
    REQUIRE(twice.size() == 2 * once.size() + 1);
    CHECK(std::equal(once.begin(), once.end(), twice.begin()));
    CHECK(std::equal(once.begin(), once.end(), twice.begin() + size + 1));
  }
}

TEST_CASE("BytePair: cutting a text at a safe cut changes no token") {
  Rng rng(6);
  int cuts = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const std::string text = random_text(rng);
    const auto whole = gpt2().encode(text);
    for (std::size_t at = 0; at <= text.size(); ++at) {
      const std::size_t cut = gpt2().safe_cut(text, at);
      REQUIRE(cut >= at);
      REQUIRE(cut <= text.size());
      cuts += cut < text.size();
      std::vector<std::int32_t> parts;
      gpt2().encode(std::string_view(text).substr(0, cut), parts);
      gpt2().encode(std::string_view(text).substr(cut), parts);
      REQUIRE(parts == whole);
    }
  }
  CHECK(cuts > 1000);
  CHECK(gpt2().safe_cut("one two", 1) == 3);
  CHECK(gpt2().safe_cut("ideographic\xe3\x80\x80 space", 1) == 20);
}

TEST_CASE("BytePair: its serialized form is the same tokenizer") {
  for (const BytePair* one : {&gpt2(), &ranked()}) {
    const BytePair copy(one->serialized(), "copy");
    Rng rng(8);
    for (int i = 0; i < 200; ++i) {
      const std::string text = random_text(rng);
      CHECK(copy.encode(text) == one->encode(text));
    }
    CHECK(copy.end_of_text() == one->end_of_text());
    CHECK(BytePair::recognises(one->serialized()));
  }
}

TEST_CASE("BytePair: recognises its layouts by their first line") {
  CHECK(BytePair::recognises("{"));
  CHECK(BytePair::recognises("IQ== 0\r\nIg== 1\r\n"));
  for (const char* other : {"", "\n", "word", "IQ== ", "two words", "#version: 0.2\n\xc4\xa0 t\n"})
    CHECK(!BytePair::recognises(other));
}

TEST_CASE("BytePair: either file leads to the other, under both names and with a prefix") {
  const TemporaryDirectory directory;
  const auto vocabulary = read_bytes(fixtures / "gpt2/vocab.json");
  const auto merges = read_bytes(fixtures / "gpt2/merges.txt");
  write_bytes(directory / "my-encoder.json", vocabulary);
  write_bytes(directory / "my-vocab.bpe", merges.substr(merges.find('\n') + 1));
  const auto ids = gpt2().encode("the same tokens");
  CHECK(BytePair::load(directory.path()).encode("the same tokens") == ids);
  CHECK(BytePair::load(directory / "my-encoder.json").encode("the same tokens") == ids);
  CHECK(BytePair::load(directory / "my-vocab.bpe").encode("the same tokens") == ids);
  write_bytes(directory / "merges.txt", merges);
  CHECK_REFUSED("vocab.json'", BytePair::load(directory / "merges.txt"));
  write_bytes(directory / "vocab.json", vocabulary);
  CHECK(BytePair::load(directory / "merges.txt").encode("the same tokens") == ids);
  CHECK_REFUSED("holds 2 byte-pair vocabularies", BytePair::load(directory.path()));
}

TEST_CASE("BytePair: a damaged vocabulary is one clear sentence") {
  const auto refused = [](const std::string& model, const char* part) {
    CAPTURE(model.substr(0, 200));
    CHECK_REFUSED(part, BytePair(model, "x"));
  };
  refused("", "the file is empty");
  refused("hello, world", "line 1 is not a token in base64");
  refused("YQ== 0 1\n", "line 1 is not a token in base64");
  refused("YQ== 0\nYg= 1\n", "line 2 is not a token in base64");
  refused("YQ== 0\nYg== -1\n", "line 2 is not a token in base64");
  refused("YQ== 0\nYg== 0\n", "two tokens have the rank 0");
  refused("YQ== 0\nYQ== 1\n", "the token of rank 1 stands there twice");
  refused("YQ== 0\nYg== 5\n", "rank 5 leaves more than one id free");
  refused("YQ== 0\nYg== 99999999999999999999\n", "line 2 is not a token in base64");
  refused("YQ== 0\nYg== 1\n", "byte 0 has no token");
  refused("{\"a\": 0}", "the merges are missing");
  refused("{\"a\": 0\n#version: 0.2\n", "the vocabulary is no JSON object");
  refused("{\"a\": \"b\"}\n#\n", "the id of token 'a' is not one of 0 to 0");
  refused("{\"a\": 1}\n#\n", "the id of token 'a' is not one of 0 to 0");
  refused("{\"a\": 0, \"b\": 0}\n#\n", "two tokens have the id 0");
  refused("{\"a b\": 0}\n#\n", "has a character that stands for no byte");
  refused("{\"\": 0}\n#\n", "a token is empty");
  refused("{\"a\": 0, \"b\": 1}\n#\na b\n", "line 2 of the merges needs the token 'ab'");
  refused("{\"a\": 0, \"b\": 1}\n#\na\n", "line 2 of the merges is not two tokens");
  refused("{\"a\": 0, \"aa\": 1}\n#\na a\na a\n", "line 3 of the merges repeats");
  refused("{\"a\": 0}\n#\n", "byte 0 has no token");
  refused("{\"" + std::string(600, 'a') + "\": 0}\n#\n", "a token has 600 bytes");
  CHECK_REFUSED("cannot open", BytePair::load("missing.tiktoken"));
  const TemporaryDirectory directory;
  CHECK_REFUSED("holds 0 byte-pair vocabularies", BytePair::load(directory.path()));
}

TEST_CASE("BytePair: a vocabulary with one damaged byte is refused or works, never crashes") {
  for (const BytePair* one : {&gpt2(), &ranked()}) {
    const std::string model = one->serialized();
    Rng rng(9);
    int refused = 0;
    for (int trial = 0; trial < 200; ++trial) {
      std::string damaged = model;
      damaged[rng.below(damaged.size())] = static_cast<char>(rng.below(256));
      try {
        const BytePair tokenizer(damaged, "damaged");
        const std::string text = random_text(rng);
        REQUIRE(tokenizer.decode(tokenizer.encode(text)) == text);
      } catch (const Error&) {
        ++refused;
      }
    }
    CHECK(refused > 50);
  }
}

TEST_CASE("BytePair: known encodings of the whole GPT-2") {
  const char* const folder = std::getenv("OPTIFORM_GPT2");
  if (folder == nullptr) {
    MESSAGE("skipped: OPTIFORM_GPT2 names no folder with GPT-2's vocabulary");
    return;
  }
  using Ids = std::vector<std::int32_t>;
  const auto whole = BytePair::load(folder);
  CHECK(whole.vocabulary() == 50257);
  CHECK(whole.end_of_text() == 50256);
  CHECK(whole.encode("Hello, world") == Ids{15496, 11, 995});
  CHECK(whole.encode("hello world") == Ids{31373, 995});
  CHECK(whole.encode("Hello, I'm a language model,") ==
        Ids{15496, 11, 314, 1101, 257, 3303, 2746, 11});
}
