// SPDX-License-Identifier: MIT
// The figures of `bench/report.sh generation`: reading prompts and writing token by token with a
// cache of keys and values, with packed weights and without, beside PyTorch doing the same.
//   bench/generation [--quick] [--only small|gpt2] [--threads N] [--peer PYTHON SCRIPT]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include <optiform/cpu.hpp>

#include "support/measure.hpp"
#include "support/peer.hpp"
#include "support/report_options.hpp"

namespace {

using namespace bench;
using namespace optiform;

using Options = ReportOptions;

constexpr Index prompt = 128;

/// A vanilla Transformer that goes on greedily with random prompts.
template <ModelShape Shape>
class Writer {
 public:
  using Block = TransformerLayer<GradientDescent, CausalAttention, Mlp<Gelu>>;
  using Model = typename LanguageModel<Shape, Stack<Block>>::template on<Cpu, float>;
  using Decoder = typename Model::Decoder;

  Writer(Index layers, Index vocabulary, Index context, int threads)
      : model_({.vocabulary = vocabulary, .context = context, .layers = {layers}}),
        context_(threads),
        values_(model_.parameters().total()) {
    model_.initialise(values_.data(), 1);
  }
  /// Of the numbers that every token needs, the embeddings' rows apart.
  double weight_bytes() const {
    const Index width = Shape.width, vocabulary = model_.options().vocabulary;
    const Index layer = width * (4 * width + 2 * Shape.hidden);
    return 4.0 * static_cast<double>(model_.options().layers[0] * layer + vocabulary * width);
  }
  void set_batch(Index batch) {
    for (auto& decoder : decoders_) {
      decoder.reset();
      decoder = std::make_unique<Decoder>(model_, batch, model_.options().context);
    }
    use_packed(true).pack(values_.data());
    logits_.resize(static_cast<std::size_t>(batch * model_.options().vocabulary));
    next_.resize(static_cast<std::size_t>(batch));
    Rng rng(2);
    prompts_.clear();
    for (Index b = 0; b < batch; ++b) {
      prompts_.emplace_back();
      for (Index t = 0; t < prompt; ++t)
        prompts_.back().push_back(static_cast<std::int32_t>(
            rng.below(static_cast<std::uint64_t>(model_.options().vocabulary))));
    }
  }
  /// Of packed weights, or of weights as they lie.
  Decoder& use_packed(bool packed) {
    decoder_ = decoders_[packed ? 1 : 0].get();
    return *decoder_;
  }
  void read_prompts() {
    std::vector<std::span<const std::int32_t>> tokens(prompts_.begin(), prompts_.end());
    for (Index b = 0; b < decoder_->sequences(); ++b) decoder_->restart(b);
    decoder_->append(context_, values_.data(), tokens, logits_.data());
    choose();
  }
  void step(int count) {
    for (int i = 0; i < count; ++i) {
      decoder_->step(context_, values_.data(), next_.data(), logits_.data());
      choose();
    }
  }

 private:
  void choose() {
    const auto v = static_cast<std::ptrdiff_t>(model_.options().vocabulary);
    for (std::size_t b = 0; b < next_.size(); ++b) {
      const auto row = logits_.begin() + static_cast<std::ptrdiff_t>(b) * v;
      next_[b] = static_cast<std::int32_t>(std::max_element(row, row + v) - row);
    }
  }

  Model model_;
  context_t<Cpu> context_;
  Buffer<float> values_;
  std::unique_ptr<Decoder> decoders_[2];
  Decoder* decoder_ = nullptr;
  std::vector<std::vector<std::int32_t>> prompts_;
  std::vector<float> logits_;
  std::vector<std::int32_t> next_;
};

/// PyTorch's best number of threads for one token at a time.
int best_threads(Peer& peer, const Options& o, const std::string& setting, int steps) {
  int best = o.threads;
  double time = INFINITY;
  for (const int threads : {o.threads, 1}) {
    const double difference = number(peer.ask(setting + " " + std::to_string(threads), 60));
    if (!(difference < 1e-3)) o.give_up("PyTorch's cache does not give its model's logits");
    peer.ask("prompt", 60);
    peer.ask("step 2", 60);
    const double t = number(peer.ask("step " + std::to_string(steps), 60));
    if (t < time) time = t, best = threads;
    if (o.threads == 1) break;
  }
  std::printf("# PyTorch: %d threads\n", best);
  peer.ask(setting + " " + std::to_string(best), 60);
  return best;
}

template <ModelShape Shape>
void report(const Options& o, const std::string& name, Writer<Shape>& ours, int steps) {
  for (const Index batch : {1, 8}) {
    const std::string key = "_" + name + "_batch" + std::to_string(batch);
    ours.set_batch(batch);
    ours.read_prompts();
    ours.step(2);
    std::unique_ptr<Peer> peer;
    if (!o.peer.empty()) {
      peer = std::make_unique<Peer>(o.peer);
      best_threads(*peer, o, "setting " + name + " " + std::to_string(batch), steps);
      peer->ask("prompt", 60), peer->ask("step 2", 60);
    }
    std::vector<double> reading, writing, peer_reading, peer_writing, plain_reading, plain_writing;
    for (int round = 0; round < (o.quick ? 1 : 6); ++round) {
      if (peer) {
        peer_reading.push_back(number(peer->ask("prompt", 60)));
        peer_writing.push_back(number(peer->ask("step " + std::to_string(steps), 60)));
        pause_until_quiet();
      }
      const auto measure = [&](bool packed, auto& reading_times, auto& writing_times) {
        ours.use_packed(packed);
        reading_times.push_back(seconds([&] { ours.read_prompts(); }));
        writing_times.push_back(seconds([&] { ours.step(steps); }));
      };
      // Who begins alternates.
      if (round % 2 == 0) measure(true, reading, writing);
      measure(false, plain_reading, plain_writing);
      if (round % 2 == 1) measure(true, reading, writing);
    }
    const auto tokens = static_cast<double>(batch * steps);
    const auto read = static_cast<double>(batch * prompt);
    print("generation_tokens_per_second" + key, tokens / median(writing));
    std::printf("# %.2f ms a step, %.1f GB/s of weights\n", 1e3 * median(writing) / steps,
                1e-9 * ours.weight_bytes() * steps / median(writing));
    print("prefill_tokens_per_second" + key, read / median(reading));
    print("generation_packed_over_plain" + key, median(ratios(plain_writing, writing)));
    print("prefill_packed_over_plain" + key, median(ratios(plain_reading, reading)));
    if (!peer) continue;
    print("generation_tokens_per_second_pytorch" + key, tokens / median(peer_writing));
    print("prefill_tokens_per_second_pytorch" + key, read / median(peer_reading));
    print("generation_over_pytorch" + key, median(ratios(peer_writing, writing)));
    print("prefill_over_pytorch" + key, median(ratios(peer_reading, reading)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Options o = report_options("generation", argc, argv);
  std::printf("# %d threads, %d-bit registers; prompts of %d tokens\n", o.threads,
              8 * register_bytes, static_cast<int>(prompt));
  if (o.peer.empty())
    std::printf("# PyTorch is not measured: no Python with it was given by PYTHON=\n");
  if (o.only != "gpt2") {
    Writer<ModelShape{.width = 384, .heads = 6, .hidden = 1536}> small(6, 8192, 256, o.threads);
    report(o, "small", small, o.quick ? 8 : 64);
  }
  if (o.only == "small") return 0;
  Writer<gpt2_small> gpt2(12, 50304, 1024, o.threads);
  report(o, "gpt2", gpt2, o.quick ? 2 : 16);
}
