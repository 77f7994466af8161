// SPDX-License-Identifier: MIT
#include <optiform/io/checksum.hpp>
#include <optiform/training/run_state.hpp>
#include <optiform/training/sampling.hpp>

#include "data.hpp"
#include "generate.hpp"
#include "models.hpp"

using namespace optiform;
namespace fs = std::filesystem;

std::string continue_prompt(const std::string& directory, const std::string& prompt, Index tokens,
                            int threads, SamplingOptions sampling) {
  const fs::path run = directory;
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
  return tokenizer->decode(ids);
}
