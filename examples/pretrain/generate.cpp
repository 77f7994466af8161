// SPDX-License-Identifier: MIT
#include "generate.hpp"

#include "../support/program.hpp"

using namespace optiform;

namespace {

void print_speed(const Generation& g) {
  std::fprintf(stderr, "%lld tokens, %.1f tokens per second; prompts of %lld tokens took %.3f s\n",
               static_cast<long long>(g.new_tokens()), g.tokens_per_second(),
               static_cast<long long>(g.prompt_tokens()), g.prompt_seconds);
}

}  // namespace

int generate_main(int argc, char** argv) {
  GenerationRequest request;
  bool quiet = false;
  SamplingOptions& sampling = request.options.sampling;
  CLI::App app("Continues prompts with a trained model.", "generate");
  app.option_defaults()->always_capture_default();
  app.add_option("run", request.run, "run directory that pretrain made")->required();
  app.add_option("--prompt", request.prompts, "what a text begins with; may be given several times")
      ->allow_extra_args(false);
  app.add_option("--tokens", request.options.tokens, "most tokens to add to each text");
  app.add_option("--temperature", sampling.temperature, "0 takes the likeliest token");
  app.add_option("--top-k", sampling.top_k, "only the k likeliest tokens (0: all)");
  app.add_option("--top-p", sampling.top_p,
                 "only the fewest likeliest tokens of this total probability (1: all)");
  app.add_option("--min-p", sampling.min_p,
                 "only tokens this likely in units of the likeliest (0: all)");
  app.add_option("--repetition-penalty", sampling.repetition_penalty,
                 "above 1 makes what was said less likely (1: off)");
  app.add_option("--stop", request.options.stops,
                 "ends a text before this string; may be given several times")
      ->allow_extra_args(false);
  app.add_option("--seed", sampling.seed, "the same seed gives the same texts");
  app.add_option("--threads", request.threads, "(0: all cores)");
  app.add_flag("--quiet", quiet, "print no speed");
  return run_program("generate", [&] {
    if (!parse_arguments(app, argc, argv)) return 0;
    const Generation done = continue_prompts(request);
    if (!quiet) print_speed(done);
    return 0;
  });
}
