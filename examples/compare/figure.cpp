// SPDX-License-Identifier: MIT
#include <utility>

#include "../support/figure.hpp"
#include "runs.hpp"

namespace {

/// A unit in which the largest value of an axis is easily read.
struct Unit {
  double size;
  std::string name;
};
Unit tokens_unit(double most) {
  if (most >= 2e9) return {1e9, "training tokens (billions)"};
  if (most >= 2e6) return {1e6, "training tokens (millions)"};
  if (most >= 2e3) return {1e3, "training tokens (thousands)"};
  return {1, "training tokens"};
}
Unit time_unit(double most, const std::string& time) {
  if (most >= 2 * 3600) return {3600, time + " (hours)"};
  if (most >= 2 * 60) return {60, time + " (minutes)"};
  return {1, time + " (seconds)"};
}

/// The sizes of the figure in pixels. A few curves have their key in both panels, many beside them.
struct Canvas {
  explicit Canvas(const std::vector<Run>& runs) {
    if (runs.size() <= 6) return;
    std::size_t longest = 0;
    for (const Run& run : runs) longest = std::max(longest, run.title.size());
    key = 90 + 9 * static_cast<int>(longest);
    width += key;
    height = std::max(height, 36 * static_cast<int>(runs.size()));
  }
  double across(int pixels) const { return static_cast<double>(pixels) / width; }

  int width = 1200, height = 560, key = 0;
};

void write_script(std::ostream& gp, const std::vector<Run>& runs, const std::string& time,
                  const Canvas& canvas) {
  double tokens = 0, seconds = 0, least = 1e300, most = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    gp << "$run" << i << " << EOD\n";
    for (const auto& row : runs[i].validations)
      gp << row.tokens << ' ' << row.seconds << ' ' << row.validation_loss << '\n';
    gp << "EOD\n";
    const auto& last = runs[i].validations.back();
    tokens = std::max(tokens, static_cast<double>(last.tokens));
    seconds = std::max(seconds, last.seconds);
    least = std::min(least, runs[i].best);
    // The loss before any training would press the rest together.
    most = std::max(most, runs[i].validations[runs[i].validations.size() > 2].validation_loss);
  }
  const double margin = std::max(0.05 * (most - least), 1e-3 * std::abs(least) + 1e-9);
  const Unit units[] = {tokens_unit(tokens), time_unit(seconds, time)};
  gp << "set multiplot layout 1,2 title 'Validation loss' font 'sans,15'";
  if (canvas.key > 0)
    gp << " margins screen " << canvas.across(90) << ','
       << canvas.across(canvas.width - canvas.key - 30) << ",0.13,0.91 spacing screen "
       << canvas.across(60);
  gp << "\nset yrange [" << least - margin << ':' << most + margin << "]\n"
     << (canvas.key > 0 ? "" : "set rmargin 3\n")
     << "set autoscale xfixmax\nset key top right spacing 1.3 samplen 3.5\n"
     << "set ylabel 'nats per token'\n";
  for (int panel = 0; panel < 2; ++panel) {
    gp << "set xlabel '" << units[panel].name << "'\n";
    if (panel == 1) gp << "unset ylabel\n";
    if (canvas.key > 0)
      gp << (panel == 0 ? "unset key\n" : "set key at screen 0.995,0.52 center right\n");
    gp << "plot ";
    const char* separator = "";
    const auto last = [&](std::size_t i) { return runs[i].validations.back().validation_loss; };
    for (const std::size_t i : from_the_top(runs.size(), last)) {
      const SeriesStyle style = series_style(i);
      gp << std::exchange(separator, ", ") << "$run" << i << " using ($" << panel + 1 << '/'
         << units[panel].size << "):3 with linespoints lw 2 ps 0.6 dt " << style.dash << " pt "
         << style.mark << " lc rgb '" << style.colour << "' title '" << plain_title(runs[i].title)
         << "' noenhanced";
    }
    gp << '\n';
  }
  gp << "unset multiplot\n";
}

}  // namespace

void draw(const std::string& path, const std::vector<Run>& runs, const std::string& time) {
  const Canvas canvas(runs);
  draw_figure(path, canvas.width, canvas.height,
              [&](std::ostream& gp) { write_script(gp, runs, time, canvas); });
}
