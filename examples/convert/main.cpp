// SPDX-License-Identifier: MIT
// Brings weights from one layout to another.
//
//   convert gpt2/model.safetensors gpt2.safetensors          Hugging Face -> reference names
//   convert runs/vanilla-small hf --to gpt2                  a run -> a folder for Hugging Face
//   convert gpt2 runs/gpt2 --to run --tokenizer gpt2/vocab.json
//   convert runs/tmm-novels tmm.safetensors --fold           scales of the rule folded away
//
// Exit codes: 0 done, 2 bad input.
#include <cstdio>

#include "../support/program.hpp"
#include "weights.hpp"

using namespace optiform;

int main(int argc, char** argv) {
  std::string from, to, layout = "reference", tokenizer;
  ConvertOptions options;
  bool fold = false;
  CLI::App app("Brings weights from one layout to another.", "convert");
  app.add_option("from", from, "safetensors file, folder with model.safetensors, or run directory")
      ->required();
  app.add_option("to", to, "file, or folder, to write")->required();
  app.add_option("--to", layout, "reference (one file), gpt2 (Hugging Face) or run (pretrain)");
  app.add_flag("--fold", fold, "move the scales of the rule into neighbouring weights");
  app.add_option("--vocabulary", options.vocabulary,
                 "rows of GPT-2's token table, read (padded) or written (0: as they are)");
  app.add_flag("--without-biases", options.without_biases,
               "GPT-2's biases are zero: leave them out");
  app.add_option(
      "--heads", options.heads,
      "of attention (0: what config.toml, config.json or the file tells, else those of a "
      "shape of such sizes, or one per 64 channels)");
  app.add_option("--tokenizer", tokenizer, "of the run to write");
  return run_program("convert", [&] {
    if (!parse_arguments(app, argc, argv)) return 0;
    if (layout != "reference" && layout != "gpt2" && layout != "run")
      fail("layout ", in_quotes(layout), " is unknown; expected reference, gpt2 or run");
    const Index rows = options.vocabulary;
    if (rows < 0) fail("vocabulary is ", rows, "; expected 0 or more");
    if (options.heads < 0) fail("heads is ", options.heads, "; expected 0 or more");
    if (layout == "gpt2") options.vocabulary = 0;  // of what is written
    Weights weights = read_weights(from, options);
    if (fold) weights = folded(std::move(weights));
    if (layout == "reference") write_reference(to, weights);
    if (layout == "gpt2") write_hugging_face(to, weights, rows);
    if (layout == "run") write_run(to, weights, tokenizer);
    std::printf("%lld parameters of rule %s in %zu tensors\n",
                static_cast<long long>(weights.table.count()), weights.rule().c_str(),
                weights.table.entries().size());
    return 0;
  });
}
