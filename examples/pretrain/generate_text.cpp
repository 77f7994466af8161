// SPDX-License-Identifier: MIT
#include <cstdio>

#include <optiform/io/checksum.hpp>
#include <optiform/training/generation.hpp>
#include <optiform/training/run_state.hpp>

#include "data.hpp"
#include "generate.hpp"
#include "models.hpp"

using namespace optiform;
namespace fs = std::filesystem;

Generation continue_prompts(const GenerationRequest& request) {
  const fs::path run = request.run;
  const int threads = request.threads;
  request.options.validate();
  if (request.prompts.size() > 1024)
    fail("there are ", request.prompts.size(), " prompts; expected at most 1024");
  if (threads < 0 || threads > 1024) fail("threads is ", threads, "; expected 0 (all) to 1024");
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
  if (saved.value("checksum of the tokenizer", "") != checksum(tokenizer->serialized()))
    fail("tokenizer ", in_quotes(run / "tokenizer.model"),
         " is not the one that the model was trained with");

  // The model has not learned what later positions are.
  const auto decoder = model->decoder(static_cast<Index>(request.prompts.size()), options.length);
  decoder->pack();
  const auto print = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  };
  if (request.prompts.size() == 1) {
    print(request.prompts[0]);
    Generation done = generate(*decoder, *tokenizer, request.prompts, request.options,
                               [&](Index, std::string_view piece) { print(piece); });
    print("\n");
    return done;
  }
  Generation done = generate(*decoder, *tokenizer, request.prompts, request.options);
  for (std::size_t b = 0; b < done.texts.size(); ++b) {
    if (b > 0) print("--\n");
    print(request.prompts[b] + done.texts[b].text + "\n");
  }
  return done;
}
