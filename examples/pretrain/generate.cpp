// SPDX-License-Identifier: MIT
#include "generate.hpp"

#include <new>

#include <CLI/CLI.hpp>

#include "config_file.hpp"

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
  try {
    app.parse(argc, argv);
    const Generation done = continue_prompts(request);
    if (!quiet) print_speed(done);
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
