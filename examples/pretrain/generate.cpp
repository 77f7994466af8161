// SPDX-License-Identifier: MIT
#include "generate.hpp"

#include <new>

#include <CLI/CLI.hpp>

#include "config_file.hpp"

using namespace optiform;

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
    std::printf("%s\n", continue_prompt(run, prompt, tokens, threads, sampling).c_str());
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
