// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/core/random.hpp>
#include <optiform/io/sentencepiece.hpp>

using namespace optiform;

namespace {

/// A language with a skewed vocabulary, so that byte-pair merges exist.
std::string small_text(int words) {
  const char* const dictionary[] = {"the ",   "mountain ",         "river ", "and ",
                                    "sings ", "quietly,",          " of ",   "dark\n",
                                    "light",  "\xc3\xa9t\xc3\xa9 "};
  Rng rng(7);
  std::string text;
  for (int i = 0; i < words; ++i) text += dictionary[rng.below(10) * rng.below(10) / 9];
  return text;
}

const SentencePiece& trained() {
  static const SentencePiece tokenizer = SentencePiece::train(small_text(4000), 300);
  return tokenizer;
}

TEST_CASE("Bytes: every byte is its own token and comes back") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const Bytes bytes;
  const auto ids = bytes.encode(all);
  REQUIRE(ids.size() == 256);
  for (int byte = 0; byte < 256; ++byte) CHECK(ids[static_cast<std::size_t>(byte)] == byte);
  CHECK(bytes.decode(ids) == all);
  CHECK_THROWS_WITH_AS(bytes.decode(std::vector<std::int32_t>{256}),
                       "token 256 is outside the tokenizer's vocabulary of 256", Error);
}

TEST_CASE("SentencePiece: training yields the asked number of pieces and shorter sequences") {
  CHECK(trained().vocabulary() == 300);
  const std::string text = small_text(500);
  CHECK(trained().encode(text).size() < text.size() / 2);
}

TEST_CASE("SentencePiece: encode and decode restore text, rare characters and broken UTF-8") {
  for (const std::string& text :
       {small_text(300), std::string("  two  spaces \t tab\r\n\n\nthree lines\n"),
        std::string("\xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x99\x82 never seen"),
        std::string("cut \xe6\xbc and \xff\xfe\x80 overlong \xc0\xaf surrogate \xed\xa0\x80"),
        std::string("its own mark \xe2\x96\x81 stays"), std::string("nul \0 inside", 12),
        std::string("\xe2\x96"), std::string()}) {
    CAPTURE(text);
    CHECK(trained().decode(trained().encode(text)) == text);
  }
}

TEST_CASE("SentencePiece: 1,000 random byte strings come back unchanged") {
  Rng rng(11);
  for (int trial = 0; trial < 1000; ++trial) {
    std::string text = small_text(5 + static_cast<int>(rng.below(20)));
    for (int flip = 0; flip < 3; ++flip)
      text[rng.below(text.size())] = static_cast<char>(rng.below(256));
    REQUIRE(trained().decode(trained().encode(text)) == text);
  }
}

TEST_CASE("SentencePiece: cutting the text at a line end changes no token") {
  const std::string text = small_text(3000);
  const auto whole = trained().encode(text);
  const std::size_t cut = text.find('\n', text.size() / 2) + 1;
  std::vector<std::int32_t> parts;
  trained().encode(std::string_view(text).substr(0, cut), parts);
  trained().encode(std::string_view(text).substr(cut), parts);
  CHECK(parts == whole);
}

TEST_CASE("SentencePiece: the serialized model is the same tokenizer, training repeats exactly") {
  const SentencePiece copy(trained().serialized(), "copy");
  const std::string text = small_text(200);
  CHECK(copy.encode(text) == trained().encode(text));
  CHECK(SentencePiece::train(small_text(4000), 300).serialized() == trained().serialized());
}

TEST_CASE("SentencePiece: a large text is sampled evenly") {
  // The second half uses words that the first does not have; both must be learned.
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "abcabd ";
  for (int i = 0; i < 20000; ++i) text += "xyzxyw\n";
  const auto tokenizer = SentencePiece::train(text, 280, 20000);
  CHECK(tokenizer.encode("abcabd").size() <= 3);
  CHECK(tokenizer.encode("xyzxyw").size() <= 3);
}

TEST_CASE("SentencePiece: what is no model, or too small a text, is one clear sentence") {
  CHECK_THROWS_WITH_AS(SentencePiece("", "empty.model"),
                       "tokenizer 'empty.model' is no SentencePiece model, or it is damaged",
                       Error);
  CHECK_THROWS_AS(SentencePiece("hello, world", "text"), Error);
  const std::string model = trained().serialized();
  CHECK_THROWS_AS(SentencePiece(model.substr(0, model.size() / 2), "half"), Error);
  CHECK_THROWS_WITH_AS(SentencePiece::train("a short text", 4096),
                       "cannot learn 4096 pieces from a text of 12 bytes; expected a longer text, "
                       "another number of pieces, or the bytes tokenizer",
                       Error);
  CHECK_THROWS_AS(SentencePiece::train("", 300), Error);
  CHECK_THROWS_AS(SentencePiece::train(small_text(1000), 20), Error);
}

TEST_CASE("SentencePiece: a model with one flipped bit is refused or works, never crashes") {
  const std::string model = trained().serialized();
  const std::string text = small_text(30);
  Rng rng(3);
  int refused = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    std::string damaged = model;
    char& byte = damaged[rng.below(damaged.size())];
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1u << rng.below(8)));
    try {
      const SentencePiece tokenizer(damaged, "damaged");
      const auto ids = tokenizer.encode(text);
      for (const auto id : ids) REQUIRE((id >= 0 && id < tokenizer.vocabulary()));
      static_cast<void>(tokenizer.decode(ids));
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > 0);
}

}  // namespace
