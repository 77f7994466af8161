// SPDX-License-Identifier: MIT
// Turns texts into token shards that pretrain, llm.c and nanoGPT read.
//
//   tokenize --tokenizer gpt2/vocab.json --out data/novels novels-1.txt novels-2.txt.xz
//
// Each text is a document, or several with a mark between them; every document begins with the
// tokenizer's end-of-text token. Exit codes: 0 done, 2 bad input.
#include <optiform/io/token_shards.hpp>
#include <optiform/training/corpus.hpp>

#include "../pretrain/load_tokenizer.hpp"
#include "../support/program.hpp"

using namespace optiform;

namespace {

struct Options {
  std::vector<std::string> texts;
  std::string tokenizer, out, format = "llm.c", mark = "<|endoftext|>";
  Index shard_tokens = 100'000'000;
  int threads = 0;
};

void tokenize(const Options& options) {
  if (options.threads < 0 || options.threads > 1024)
    fail("threads is ", options.threads, "; expected 0 (all) to 1024");
  const TokenFormat format = token_format_named(options.format);
  std::unique_ptr<Tokenizer> tokenizer;
  if (options.tokenizer == "bytes")
    tokenizer = std::make_unique<Bytes>();
  else
    tokenizer = load_tokenizer(options.tokenizer);
  const int threads =
      options.threads > 0 ? options.threads : static_cast<int>(std::thread::hardware_concurrency());

  TokenShardWriter writer(options.out, format, options.shard_tokens);
  if (std::filesystem::exists(writer.name(0)))
    fail("token shard ", in_quotes(writer.name(0)), " exists already; --out names other ones");
  Index tokens = 0;
  for (const std::string& text : options.texts) {
    const auto ids = encode_documents(*tokenizer, read_text(text), options.mark, threads);
    writer.append(ids);
    tokens += static_cast<Index>(ids.size());
  }
  writer.finish();
  std::printf("%lld tokens in %lld shards, the first is %s\n", static_cast<long long>(tokens),
              static_cast<long long>(writer.shards()), writer.name(0).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Turns texts into token shards.", "tokenize");
  app.option_defaults()->always_capture_default();
  app.add_option("texts", options.texts, "texts; .xz files are unpacked")->required();
  app.add_option("--tokenizer", options.tokenizer,
                 "bytes, a SentencePiece .model, or a GPT-2 .tiktoken, vocab.json or folder")
      ->required();
  app.add_option("--out", options.out, "shards are called OUT_000000.bin and so on")->required();
  app.add_option("--format", options.format, "llm.c, llm.c-32, uint16 or uint32");
  app.add_option("--shard-tokens", options.shard_tokens, "tokens of a shard");
  app.add_option("--mark", options.mark, "stands between the documents of a text (empty: nothing)");
  app.add_option("--threads", options.threads, "(0: all cores); never changes a token");
  return run_program("tokenize", [&] {
    if (parse_arguments(app, argc, argv)) tokenize(options);
    return 0;
  });
}
