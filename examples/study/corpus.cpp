// SPDX-License-Identifier: MIT
#include "corpus.hpp"

#include <cstdio>

#include <optiform/io/atomic_file.hpp>

#include "../pretrain/data.hpp"

using namespace optiform;
namespace fs = std::filesystem;

namespace {

/// What a text is known by: its name and size, wherever it lies.
std::string identity(const std::string& text) {
  if (text.empty()) return "none";
  return message(fs::path(text).filename().string(), ", ", InputFile(text).size(), " bytes");
}

std::string write_tokens(const fs::path& stem, const std::vector<std::int32_t>& tokens,
                         Index vocabulary) {
  const auto format = vocabulary <= 65536 ? TokenFormat::raw_16 : TokenFormat::raw_32;
  TokenShardWriter writer(stem, format, std::max<Index>(1, static_cast<Index>(tokens.size())));
  writer.append(tokens);
  writer.finish();
  return writer.name(0).string();
}

/// The same for every start: the lines of the file that completes a corpus.
struct Source {
  std::string tokenizer, training, validation, text;

  explicit Source(const Options& o)
      : tokenizer(message("tokenizer: ", o.tokenizer, '\n')),
        training(message("training text: ", identity(o.data), '\n')),
        validation(message("validation text: ", identity(o.validation), '\n')),
        text(tokenizer + training + validation) {}
};

}  // namespace

Corpus prepare_corpus(const fs::path& directory, const Options& options) {
  const fs::path data = fs::absolute(directory / "data"), mark = data / "source.txt";
  const Source source(options);
  if (!fs::exists(mark)) {
    if (names_token_shards(options.data) || fs::is_directory(options.data))
      fail("data is ", in_quotes(options.data), "; expected a text, which the study tokenizes");
    std::printf("reading and tokenizing the texts\n");
    std::fflush(stdout);
    const Data texts = read_data(options, known_tokenizer(options.tokenizer));
    const Index vocabulary = texts.tokenizer->vocabulary();
    fs::create_directories(data);
    write_tokens(data / "training", texts.training, vocabulary);
    write_tokens(data / "validation", texts.validation, vocabulary);
    if (const auto model = texts.tokenizer->serialized(); !model.empty())
      write_file(data / "tokenizer.model", model);
    write_file(mark, source.text);
  }
  const std::string before = read_file(mark);
  const bool same =
      options.data.empty() ? before.starts_with(source.tokenizer) : before == source.text;
  if (!same)
    fail("the study in ", in_quotes(directory),
         " was begun with other texts or another tokenizer; ", in_quotes(mark), " tells which");
  const auto shard = [&](const char* stem) {
    const auto narrow = data / (std::string(stem) + "_000000.u16");
    return (fs::exists(narrow) ? narrow : data / (std::string(stem) + "_000000.u32")).string();
  };
  const fs::path model = data / "tokenizer.model";
  return {shard("training"), shard("validation"),
          fs::exists(model) ? model.string() : options.tokenizer};
}
