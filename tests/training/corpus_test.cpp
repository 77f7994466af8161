// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <doctest/doctest.h>

#include <optiform/training/corpus.hpp>

using namespace optiform;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / message("optiform_corpus_", ::getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return path / name;
  }
};

TEST_CASE("read_text: returns the bytes of a file as they are") {
  const Folder folder;
  const std::string text("a\0b\r\n\xff end without newline", 25);
  CHECK(read_text(folder.write("text.txt", text)) == text);
}

TEST_CASE("read_text: missing, empty and unreadable files are one sentence with the path") {
  const Folder folder;
  const auto missing = folder.path / "missing.txt";
  CHECK_THROWS_WITH_AS(read_text(missing),
                       message("text file '", missing.string(), "' does not exist").c_str(), Error);
  const auto empty = folder.write("empty.txt", "");
  CHECK_THROWS_WITH_AS(read_text(empty),
                       message("text file '", empty.string(), "' is empty").c_str(), Error);
  CHECK_THROWS_AS(read_text(folder.path), Error);
}

TEST_CASE("read_text: .xz files are unpacked, truncated ones refused") {
  if (std::system("xz --version > /dev/null 2>&1") != 0) {
    MESSAGE("skipped: no xz program");
    return;
  }
  const Folder folder;
  std::string text;
  for (int i = 0; i < 5000; ++i) text += message("line ", i * 7919 % 5003, "\n");
  const auto plain = folder.write("it's text.txt", text);
  REQUIRE(std::system(message("xz -k \"", plain.string(), "\"").c_str()) == 0);
  fs::path packed = plain;
  packed += ".xz";
  CHECK(read_text(packed) == text);
  fs::resize_file(packed, fs::file_size(packed) / 2);
  CHECK_THROWS_AS(read_text(packed), Error);
}

TEST_CASE("read_corpus: without a validation file the last 5 % of the text are set aside") {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 2000; ++i) text += message("line ", i, "\n");
  const auto corpus = read_corpus(folder.write("text.txt", text), "");
  CHECK(corpus.training + corpus.validation == text);
  CHECK(corpus.training.back() == '\n');
  const double share =
      static_cast<double>(corpus.validation.size()) / static_cast<double>(text.size());
  CHECK(share > 0.045);
  CHECK(share <= 0.05);

  const auto other = read_corpus(folder.path / "text.txt", folder.write("other.txt", "other"));
  CHECK(other.training == text);
  CHECK(other.validation == "other");
}

TEST_CASE("encode_text: the number of threads changes nothing, order is kept") {
  std::string text;
  for (int i = 0; i < 300000; ++i) text += message("line ", i, i % 3 ? "\n" : " ");
  const Bytes bytes;
  const auto one = encode_text(bytes, text, 1);
  CHECK(bytes.decode(one) == text);
  CHECK(encode_text(bytes, text, 3) == one);
  CHECK(encode_text(bytes, "", 2).empty());
}

/// Tokens are pairs of bytes, so that a cut in the wrong place shows.
struct Pairs : Tokenizer {
  Index vocabulary() const override { return 65536; }
  void encode(std::string_view text, std::vector<std::int32_t>& ids) const override {
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
      ids.push_back(static_cast<unsigned char>(text[i]) << 8 |
                    static_cast<unsigned char>(text[i + 1]));
  }
  void decode(std::span<const std::int32_t>, std::string&) const override {}
  std::string serialized() const override { return {}; }
};
struct CutPairs : Pairs {
  std::size_t safe_cut(std::string_view text, std::size_t at) const override {
    return std::min(at + at % 2 + 2, text.size());
  }
};

TEST_CASE("encode_text: texts are cut where the tokenizer allows it") {
  std::string text;
  for (int i = 0; i < 300000; ++i) text += message("line ", i, i % 3 ? "\n" : " ");
  text.resize(text.size() / 2 * 2);
  std::vector<std::int32_t> whole;
  Pairs().encode(text, whole);
  CHECK(encode_text(CutPairs(), text, 3) == whole);
  CHECK(encode_text(Pairs(), text, 3) == whole);
}

/// Bytes, and a token between documents.
struct MarkedBytes : Tokenizer {
  Bytes bytes;
  Index vocabulary() const override { return 257; }
  void encode(std::string_view text, std::vector<std::int32_t>& ids) const override {
    bytes.encode(text, ids);
  }
  void decode(std::span<const std::int32_t>, std::string&) const override {}
  std::string serialized() const override { return {}; }
  std::int32_t end_of_text() const override { return 256; }
};

TEST_CASE("encode_documents: every document begins with end-of-text") {
  using Ids = std::vector<std::int32_t>;
  const MarkedBytes marked;
  const Ids two = {256, 'a', 'b', 256, 'c'};
  CHECK(encode_documents(marked, "ab||c", "||", 2) == two);
  CHECK(encode_documents(marked, "||ab||||c||", "||", 1) == two);
  CHECK(encode_documents(marked, "a|", "", 1) == Ids{256, 'a', '|'});
  CHECK(encode_documents(marked, "", "||", 1).empty());
  CHECK(encode_documents(Bytes(), "ab", "||", 1) == Ids{'a', 'b'});
  CHECK_THROWS_WITH_AS(
      encode_documents(Bytes(), "ab||c", "||", 1),
      "the text has several documents, but the tokenizer no end-of-text token to begin them",
      Error);
}

}  // namespace
