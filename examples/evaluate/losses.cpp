// SPDX-License-Identifier: MIT
// Measurements of losses: on texts, with some layers plain, along a line, after fine-tuning.
#include <charconv>

#include "measurements.hpp"

using namespace optiform;

namespace {

void print(const Report& report, const std::string& name, const Perplexity& measured) {
  report.line(name + "_loss", measured.loss);
  report.line(name + "_perplexity", measured.perplexity());
  report.line(name + "_standard_error", measured.standard_error);
}

/// A number at the front of `text`, which loses it.
Index take_number(std::string_view& text, const std::string& all) {
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc())
    fail("layers '", all, "' are not understood; expected ranges such as 0-5,11, or none");
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}
bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

LayerChoice read_layers(const std::string& text, Index layers) {
  LayerChoice chosen(layers);
  if (text == "none") return chosen;
  std::string_view rest = text;
  do {
    const Index first = take_number(rest, text);
    chosen.add(first, take(rest, '-') ? take_number(rest, text) : first);
  } while (take(rest, ','));
  if (!rest.empty())
    fail("layers '", text, "' are not understood; expected ranges such as 0-5,11, or none");
  return chosen;
}

void measure_perplexities(const Subject& s) {
  const auto model = s.run.model(s.run.numbers(s.request.batch, s.length), Purpose::inference);
  const Perplexity own = measure_perplexity(*model, s.text, "validation", s.request.perplexity);
  s.report.line("tokens", own.tokens);
  print(s.report, "validation", own);
  double sum = 0;
  for (const std::string& corpus : s.request.corpora) {
    const std::size_t equals = corpus.find('=');
    if (equals == std::string::npos || equals == 0)
      fail("corpus '", corpus, "' has no name; expected NAME=FILE");
    const std::string name = corpus.substr(0, equals);
    const auto tokens =
        read_tokens(corpus.substr(equals + 1), s.run.tokenizer(), s.request.threads);
    const Perplexity measured = measure_perplexity(*model, tokens, name, s.request.perplexity);
    print(s.report, name, measured);
    sum += measured.perplexity();
  }
  if (!s.request.corpora.empty())
    s.report.line("corpora_mean_perplexity", sum / static_cast<double>(s.request.corpora.size()));
}

void measure_hybrids(const Subject& s) {
  const auto model = s.run.model(s.run.numbers(s.request.batch, s.length), Purpose::inference);
  const auto inspector = model->inspector();
  for (const std::string& layers : s.request.hybrids) {
    const LayerChoice chosen = read_layers(layers, inspector->layers());
    print(s.report, "hybrid_" + layers,
          measure_perplexity(
              model->options(), s.text, "validation", s.request.perplexity,
              [&](Index batch, const std::int32_t* tokens, const std::int32_t* targets) {
                return inspector->loss(batch, tokens, targets, chosen);
              }));
  }
}

void measure_slice(const Subject& s) {
  const auto model = s.run.model(s.run.numbers(s.request.batch, s.length), Purpose::inference);
  const TokenBatches crops(RandomCrops(s.text, s.length, s.request.line.seed, "validation"),
                           s.request.line.batches, s.request.batch);
  const auto slice = measure_loss_slice(*model, crops, s.request.line);
  std::string table = "alpha,loss\n";
  for (const SlicePoint& point : slice) {
    s.report.line(message("slice_", point.alpha), point.loss);
    table += message(point.alpha, ",", point.loss, "\n");
  }
  s.report.table("slice", table);
  if (!s.request.plot.empty()) draw_slice(slice, s.run.options().rule, s.request.plot);
}

void measure_tuning(const Subject& s) {
  const auto& [batch, sequences] = std::pair(s.request.batch, s.request.tuning_sequences);
  if (sequences < batch || sequences % batch != 0)
    fail("forgetting sequences is ", sequences, "; expected a multiple of the batch of ", batch);
  ModelNumbers numbers = s.run.numbers(batch, s.length);
  numbers.optimizer = one_adamw(0.01);
  numbers.sharpness = {.radius = 0};
  numbers.trainer.accumulate = sequences / batch;
  numbers.trainer.clip = 1;
  const auto model = s.run.model(numbers, Purpose::training);
  const auto target = read_tokens(s.request.forgetting, s.run.tokenizer(), s.request.threads);
  const std::span<const std::int32_t> all = target;
  const std::size_t kept = all.size() / 20;  // the end is measured, never trained on
  const Forgetting f =
      measure_forgetting(*model, s.text, all.first(all.size() - kept), all.last(kept),
                         s.request.tuning, [&](std::int64_t step, double loss) {
                           if (step % 100 == 0)
                             std::fprintf(stderr, "fine-tuning: step %lld, loss %.4f\n",
                                          static_cast<long long>(step), loss);
                         });
  s.report.line("source_loss_before", f.source_before);
  s.report.line("source_loss_after", f.source_after);
  s.report.line("target_loss_before", f.target_before);
  s.report.line("target_loss_after", f.target_after);
  s.report.line("forgetting", f.forgetting());
  s.report.line("plasticity", f.plasticity());
}
