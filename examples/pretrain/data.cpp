// SPDX-License-Identifier: MIT
#include "data.hpp"

#include <optiform/io/byte_pair.hpp>
#include <optiform/io/file.hpp>
#include <optiform/io/sentencepiece.hpp>
#include <optiform/training/corpus.hpp>

using namespace optiform;

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  if (BytePair::loads(path)) return std::unique_ptr<Tokenizer>(new BytePair(BytePair::load(path)));
  std::string model = read_small_file(path, 256'000'000, "tokenizer");
  if (BytePair::recognises(model))
    return std::make_unique<BytePair>(std::move(model), path.string());
  return std::make_unique<SentencePiece>(std::move(model), path.string());
}

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

Data read_data(const Options& options, std::unique_ptr<Tokenizer> tokenizer) {
  if (options.data.empty()) fail("no text to train on; name one with --data");
  const CorpusText corpus = read_corpus(options.data, options.validation);
  if (!tokenizer)
    tokenizer.reset(
        new SentencePiece(SentencePiece::train(corpus.training, bpe_pieces(options.tokenizer))));
  const int threads =
      options.threads > 0 ? options.threads : static_cast<int>(std::thread::hardware_concurrency());
  Data data{std::move(tokenizer), {}, {}};
  data.training = encode_text(*data.tokenizer, corpus.training, threads);
  data.validation = encode_text(*data.tokenizer, corpus.validation, threads);
  return data;
}
