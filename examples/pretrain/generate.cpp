// SPDX-License-Identifier: MIT
#include "generate.hpp"

#include <CLI/CLI.hpp>
#include <new>
#include <optiform/io/checksum.hpp>
#include <optiform/training/run_state.hpp>
#include <optiform/training/sampling.hpp>

#include "config_file.hpp"
#include "data.hpp"
#include "models.hpp"

using namespace optiform;
namespace fs = std::filesystem;

namespace {

void generate(const fs::path& run, const std::string& prompt, Index tokens, int threads,
              SamplingOptions sampling) {
  if (tokens < 1) fail("number of tokens is ", tokens, "; expected at least 1");
  if (threads < 0 || threads > 1024) fail("threads is ", threads, "; expected 0 (all) to 1024");
  sampling.validate();
  if (!fs::is_directory(run)) fail("run directory ", in_quotes(run), " does not exist");
  Options options = read_run_options(run.string());
  const auto tokenizer = options.tokenizer == "bytes" ? known_tokenizer(options.tokenizer)
                                                      : load_tokenizer(run / "tokenizer.model");
  resolve_vocabulary(options, tokenizer.get());
  options.batch = 1;
  options.threads = threads;
  const auto model = make_trainer(options);
  model->allocate(Purpose::inference);
  const auto saved = load_parameters(run / "checkpoints", *model);
  const std::string bytes = tokenizer->serialized();
  if (saved.value("checksum of the tokenizer", "") !=
      detail::hexadecimal(crc64(bytes.data(), bytes.size())))
    fail("tokenizer ", in_quotes(run / "tokenizer.model"),
         " is not the one that the model was trained with");

  sampling.vocabulary = tokenizer->vocabulary();
  auto ids = tokenizer->encode(prompt);
  continue_text(*model, ids, tokens, options.length, sampling);
  std::printf("%s\n", tokenizer->decode(ids).c_str());
}

}  // namespace

int generate_main(int argc, char** argv) {
  std::string run, prompt = "The ";
  Index tokens = 200;
  int threads = 0;
  SamplingOptions sampling;
  CLI::App app("Continues a prompt with a trained model.", "generate");
  app.option_defaults()->always_capture_default();
  app.add_option("run", run, "run directory that pretrain made")->required();
  app.add_option("--prompt", prompt, "what the text begins with");
  app.add_option("--tokens", tokens, "tokens to add");
  app.add_option("--temperature", sampling.temperature, "0 takes the likeliest token");
  app.add_option("--top-k", sampling.top_k, "only the k likeliest tokens (0: all)");
  app.add_option("--seed", sampling.seed, "the same seed gives the same text");
  app.add_option("--threads", threads, "(0: all cores)");
  try {
    app.parse(argc, argv);
    generate(run, prompt, tokens, threads, sampling);
    return 0;
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "generate: %s; generate --help lists all options\n",
                 one_line(error.what()).c_str());
  } catch (const Error& error) {
    std::fprintf(stderr, "generate: %s\n", error.what());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "generate: there is not enough memory\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "generate: %s\n", one_line(error.what()).c_str());
  }
  return 2;
}
