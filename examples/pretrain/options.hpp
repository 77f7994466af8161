// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include <optiform/core/config.hpp>

/// Everything a run can be told. Zeros and empty strings that say so are filled in from the shape.
struct Options {
  std::string rule = "tmm", shape = "novels";
  optiform::Index layers = 0, vocabulary = 0, context = 0;

  std::string data, validation, tokenizer;
  optiform::Index validation_blocks = 200;

  optiform::Index steps = 4000, batch = 0, length = 0, accumulate = 1;
  std::string optimizer = "adamw";
  double learning_rate = 1e-3, matrix_rate = 0;
  optiform::Index warmup = 200;
  std::string schedule = "cosine";
  optiform::Index decay_from = 0;
  double final_rate = 0.1, weight_decay = 0.1, clip = 1, ema = 0, sam = 0;
  optiform::Index sam_from = 0;
  std::uint64_t seed = 42;
  std::string recompute = "nothing";
  optiform::Index memory = 0;
  int threads = 0;

  std::string out;
  optiform::Index validate_every = 0, save_every = 500, sample_every = 0, sample_tokens = 200;
  std::string prompt;
};

/// Calls f(name, member, description, bits) for every option; `bits` tells whether the numbers of
/// a run depend on it, so that a resume must not change it.
template <class O, class F>
void each_option(O& o, F&& f) {
  constexpr bool bits = true, free = false;
  f("rule", o.rule,
    "vanilla, heavy-ball, nesterov, tmm, adam, adamw, rmsprop, muon, ortho, soap, shampoo, or gpt2 "
    "(vanilla with biases)",
    bits);
  f("shape", o.shape, "tiny, novels, small or gpt2-small", bits);
  f("layers", o.layers, "number of layers (0: the shape's)", bits);
  f("vocabulary", o.vocabulary, "rows of the token table (0: the tokenizer's)", bits);
  f("context", o.context, "longest sequence the model can see (0: the shape's)", bits);
  f("data", o.data,
    "text (.xz is unpacked), or token shards: .bin, .u16, .u32, a folder or 'x_*.bin'", free);
  f("validation", o.validation,
    "text or token shards to validate on (empty: the last 5 % of the data)", free);
  f("tokenizer", o.tokenizer,
    "bytes, bpe:PIECES, a SentencePiece .model, or a GPT-2 .tiktoken, vocab.json or folder", free);
  f("validation-blocks", o.validation_blocks, "sequences of each validation", bits);
  f("steps", o.steps, "updates of the whole run", bits);
  f("batch", o.batch, "sequences of one pass (0: the shape's)", bits);
  f("length", o.length, "tokens of a sequence (0: the shape's)", bits);
  f("accumulate", o.accumulate, "passes per update", bits);
  f("optimizer", o.optimizer,
    "adamw, sgd, heavy-ball, nesterov, tmm, nadam, rmsprop or lion for everything; muon, soap or "
    "shampoo for matrices and adamw for the rest",
    bits);
  f("learning-rate", o.learning_rate, "highest rate, reached after the warm-up", bits);
  f("matrix-rate", o.matrix_rate,
    "the same for the matrices of muon, soap and shampoo (0: 0.02, 0.003 and 0.1)", bits);
  f("warmup", o.warmup, "steps of the rate's rise from zero", bits);
  f("schedule", o.schedule, "cosine, wsd or linear", bits);
  f("decay-from", o.decay_from, "first step of wsd's decay (0: 80 % of the steps)", bits);
  f("final-rate", o.final_rate, "last rate as a fraction of the highest", bits);
  f("weight-decay", o.weight_decay, "of embeddings, and of matrices that adamw or lion trains",
    bits);
  f("clip", o.clip, "largest global gradient norm (0: no clipping)", bits);
  f("ema", o.ema, "decay of averaged weights for validation and samples (0: none)", bits);
  f("sam", o.sam, "radius of sharpness-aware minimisation, at twice the work (0: off)", bits);
  f("sam-from", o.sam_from, "first step of it; the decay's first step makes SAWD", bits);
  f("seed", o.seed, "of parameters, data order and samples", bits);
  f("recompute", o.recompute,
    "nothing, activations or layers: backward computes them again, to save memory", free);
  f("memory", o.memory, "MiB for which the plan tells the largest batch (0: this machine's)", free);
  f("threads", o.threads, "(0: all cores); never changes a result", free);
  f("out", o.out, "run directory (empty: runs/RULE-SHAPE)", free);
  f("validate-every", o.validate_every, "steps (0: a twentieth of the run)", free);
  f("save-every", o.save_every, "steps between checkpoints (0: at the end only)", free);
  f("sample-every", o.sample_every, "steps between samples of text (0: at the end only)", free);
  f("sample-tokens", o.sample_tokens, "length of a sample (0: no samples)", free);
  f("prompt", o.prompt, "what samples begin with", free);
}

/// What the command line asks for besides options.
struct Command {
  Options options;
  bool resume = false, dry_run = false, brief = false;
  bool help = false;  ///< help has been printed
};

/// Reads the command line and the TOML file it names; what is not given comes from the shape.
/// Throws optiform::Error.
Command read_command(int argc, const char* const* argv);

/// The options of a run directory, read from its config.toml.
Options read_run_options(const std::string& directory);

/// Refuses options that would change the numbers of the run in their directory. Throws
/// optiform::Error.
void require_same_run(const Options& options);

/// An unsigned number written `bpe:4096`; 0 for other tokenizers.
optiform::Index bpe_pieces(const std::string& tokenizer);
