// SPDX-License-Identifier: MIT
#include "data.hpp"

#include <optiform/training/corpus.hpp>

using namespace optiform;

std::unique_ptr<Tokenizer> known_tokenizer(const std::string& tokenizer) {
  if (tokenizer == "bytes") return std::make_unique<Bytes>();
  if (bpe_pieces(tokenizer) > 0) return nullptr;
  return load_tokenizer(tokenizer);
}

void resolve_vocabulary(Options& options, const Tokenizer* known) {
  const Index size = known ? known->vocabulary() : bpe_pieces(options.tokenizer);
  if (options.vocabulary == 0) options.vocabulary = size;
  if (options.vocabulary < size)
    fail("vocabulary is ", options.vocabulary, " but tokenizer ", in_quotes(options.tokenizer),
         " has ", size, " tokens; expected at least as many rows as tokens");
}

namespace {

/// Names that mean token shards: files, patterns and directories of them.
bool means_shards(const std::string& name) {
  std::error_code error;
  return names_token_shards(name) || std::filesystem::is_directory(name, error);
}

std::vector<std::int32_t> copy(const TokenShards& shards, Index first, Index count) {
  std::vector<std::int32_t> tokens(
      static_cast<std::size_t>(std::min(count, shards.size() - first)));
  shards.copy(first, static_cast<Index>(tokens.size()), tokens.data());
  return tokens;
}

int thread_count(int threads) {
  return threads > 0 ? threads : static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

std::vector<std::int32_t> read_tokens(const std::string& name, const Tokenizer& tokenizer,
                                      int threads) {
  if (!means_shards(name)) return encode_text(tokenizer, read_text(name), thread_count(threads));
  return copy(TokenShards(find_token_shards(name), tokenizer.vocabulary()), 0,
              Data::most_in_memory);
}

std::vector<std::int32_t> read_validation_tokens(const Options& options,
                                                 const Tokenizer& tokenizer) {
  if (!options.validation.empty())
    return read_tokens(options.validation, tokenizer, options.threads);
  if (!means_shards(options.data))
    return encode_text(tokenizer, read_corpus(options.data, "").validation,
                       thread_count(options.threads));
  const TokenShards shards(find_token_shards(options.data), tokenizer.vocabulary());
  return copy(shards, shards.size() - shards.size() / 20, Data::most_in_memory);
}

Data read_data(const Options& options, std::unique_ptr<Tokenizer> tokenizer) {
  if (options.data.empty()) fail("no text to train on; name one with --data");
  const bool shards = means_shards(options.data),
             validation_shards = means_shards(options.validation);
  Data data;
  CorpusText corpus;
  if (!shards) {
    corpus = read_corpus(options.data, validation_shards ? "" : options.validation);
    if (validation_shards) corpus.training += corpus.validation;
  } else if (!options.validation.empty() && !validation_shards) {
    corpus.validation = read_text(options.validation);
  }
  if (!tokenizer) {
    if (shards)
      fail("cannot learn ", in_quotes(options.tokenizer), " from the token shards ",
           in_quotes(options.data), "; name the tokenizer that made them with --tokenizer");
    tokenizer.reset(
        new SentencePiece(SentencePiece::train(corpus.training, bpe_pieces(options.tokenizer))));
  }
  const Index vocabulary = tokenizer->vocabulary();
  data.tokenizer = std::move(tokenizer);
  const int threads = thread_count(options.threads);
  const Index validated = options.validation_blocks * options.length + 1;
  if (shards) {
    data.shards.emplace(find_token_shards(options.data), vocabulary);
    data.size = data.shards->size();
    if (options.validation.empty()) {
      data.size -= data.size / 20;
      data.validation = copy(*data.shards, data.size, validated);
    }
    data.training = copy(*data.shards, 0, std::min(data.size, Data::most_in_memory));
  } else {
    data.training = encode_text(*data.tokenizer, corpus.training, threads);
    data.size = static_cast<Index>(data.training.size());
  }
  if (validation_shards)
    data.validation =
        copy(TokenShards(find_token_shards(options.validation), vocabulary), 0, validated);
  else if (data.validation.empty())
    data.validation = encode_text(*data.tokenizer, corpus.validation, threads);
  return data;
}

TokenView Data::source() const {
  return shards ? TokenView(*shards).first(size) : TokenView(training);
}
