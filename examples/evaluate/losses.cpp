// SPDX-License-Identifier: MIT
// Measurements of losses: on texts, with some layers plain, along a line, after fine-tuning.
#include <algorithm>

#include <optiform/training/evaluation/inspection.hpp>

#include "../support/figure.hpp"
#include "measurements.hpp"

using namespace optiform;

namespace {

void print(const Report& report, const std::string& name, const Perplexity& measured) {
  report.line(name + "_loss", measured.loss);
  report.line(name + "_perplexity", measured.perplexity());
  report.line(name + "_standard_error", measured.standard_error);
}

void draw_slice(const std::vector<SlicePoint>& slice, const std::string& title,
                const std::string& path) {
  draw_figure(path, 640, 480, [&](std::ostream& gp) {
    gp << "$slice << EOD\n";
    for (const SlicePoint& point : slice) gp << point.alpha << ' ' << point.loss << '\n';
    gp << "EOD\nset title '" << plain_title(title) << ": loss along one direction' noenhanced\n"
       << "set xlabel 'step in lengths of each tensor'\n"
       << "set ylabel 'loss (nats per token)'\nunset key\n"
       << "plot $slice with linespoints lc rgb '" << series_style(0).colour << "' lw 1.5 pt 7\n";
  });
}

}  // namespace

void measure_perplexities(const Subject& s) {
  const auto model = s.run.model(s.run.numbers(s.request.batch, s.length), Purpose::inference);
  const Perplexity own = measure_perplexity(*model, s.text, "validation", s.request.perplexity);
  s.report.line("tokens", own.tokens);
  print(s.report, "validation", own);
  double sum = 0;
  for (const NamedText& corpus : s.corpora) {
    const Perplexity measured =
        measure_perplexity(*model, corpus.tokens, corpus.name, s.request.perplexity);
    print(s.report, corpus.name, measured);
    sum += measured.perplexity();
  }
  if (!s.corpora.empty())
    s.report.line("corpora_mean_perplexity", sum / static_cast<double>(s.corpora.size()));
}

void measure_hybrids(const Subject& s) {
  const auto model = s.run.model(s.run.numbers(s.request.batch, s.length), Purpose::inference);
  for (std::size_t i = 0; i < s.hybrids.size(); ++i) {
    std::string layers = s.request.hybrids[i];
    std::replace(layers.begin(), layers.end(), ',', '+');  // keys become columns of tables
    print(s.report, "hybrid_" + layers,
          measure_hybrid(*model, s.text, s.hybrids[i], s.request.perplexity));
  }
}

void measure_slice(const Subject& s) {
  const auto model = s.run.model(s.run.numbers(s.request.batch, s.length), Purpose::inference);
  const auto slice = measure_loss_slice(*model, s.text, s.request.line);
  std::string table = "alpha,loss\n";
  for (const SlicePoint& point : slice) {
    s.report.line(message("slice_", point.alpha), point.loss);
    table += message(point.alpha, ",", point.loss, "\n");
  }
  s.report.table("slice", table);
  if (!s.request.plot.empty()) draw_slice(slice, s.run.options().rule, s.request.plot);
}

void measure_tuning(const Subject& s) {
  ModelNumbers numbers = s.run.numbers(s.request.batch, s.length);
  numbers.optimizer = one_adamw(0.01);
  numbers.sharpness = {.radius = 0};
  numbers.trainer.accumulate = s.request.tuning_sequences / s.request.batch;
  numbers.trainer.clip = 1;
  const auto model = s.run.model(numbers, Purpose::training);
  const Forgetting f =
      measure_forgetting(*model, s.text, s.tuning_start(), s.tuning_end(), s.request.tuning,
                         [&](std::int64_t step, double loss) {
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
