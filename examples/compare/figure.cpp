// SPDX-License-Identifier: MIT
#include <filesystem>
#include <fstream>

#include "../support/gnuplot.hpp"
#include "runs.hpp"

namespace fs = std::filesystem;
using optiform::fail;
using optiform::in_quotes;

namespace {

// Okabe and Ito's palette, told apart by every kind of colour vision; dashes and marks as well, for
// prints without colour.
constexpr const char* colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                   "#E69F00", "#56B4E9", "#000000", "#999999"};
constexpr int dashes[] = {1, 2, 4, 5, 1, 2, 4, 5}, marks[] = {7, 5, 9, 13, 6, 4, 8, 12};

/// A unit in which the largest value of an axis is easily read.
struct Unit {
  double size;
  const char* name;
};
Unit tokens_unit(double most) {
  if (most >= 2e9) return {1e9, "training tokens (billions)"};
  if (most >= 2e6) return {1e6, "training tokens (millions)"};
  if (most >= 2e3) return {1e3, "training tokens (thousands)"};
  return {1, "training tokens"};
}
Unit time_unit(double most) {
  if (most >= 2 * 3600) return {3600, "training time (hours)"};
  if (most >= 2 * 60) return {60, "training time (minutes)"};
  return {1, "training time (seconds)"};
}

void write_script(std::ostream& gp, const fs::path& out, bool svg, const std::vector<Run>& runs) {
  double tokens = 0, seconds = 0, least = 1e300, most = 0;
  gp.precision(10);
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
  const Unit units[] = {tokens_unit(tokens), time_unit(seconds)};
  gp << (svg ? "set terminal svg size 1200,560 enhanced font 'sans,13' linewidth 1.4 background "
               "'#ffffff'\n"
             : "set terminal pngcairo size 1200,560 enhanced font 'sans,13' linewidth 1.4\n")
     << "set output '" << out.string() << "'\n"
     << "set multiplot layout 1,2 title 'Validation loss' font 'sans,15'\n"
     << "set yrange [" << least - margin << ':' << most + margin << "]\n"
     << "set grid lc rgb '#cccccc' lw 0.7\nset border 3 lw 0.8\nset tics nomirror out\n"
     << "set rmargin 3\nset autoscale xfixmax\nset key top right spacing 1.3 samplen 3.5\n"
     << "set ylabel 'nats per token'\n";
  for (int panel = 0; panel < 2; ++panel) {
    gp << "set xlabel '" << units[panel].name << "'\n";
    if (panel == 1) gp << "unset ylabel\n";
    gp << "plot ";
    for (std::size_t i = 0; i < runs.size(); ++i) {
      std::string title = runs[i].title;
      for (char& c : title)  // what would end the quotes or the line
        if (c == '\'' || static_cast<unsigned char>(c) < 0x20) c = '?';
      gp << (i > 0 ? ", " : "") << "$run" << i << " using ($" << panel + 1 << '/'
         << units[panel].size << "):3 with linespoints lw 2 ps 0.6 dt " << dashes[i % 8] << " pt "
         << marks[i % 8] << " lc rgb '" << colours[i % 8] << "' title '" << title << "' noenhanced";
    }
    gp << '\n';
  }
  gp << "unset multiplot\n";
}

}  // namespace

void draw(const std::string& path, const std::vector<Run>& runs) {
  const bool svg = path.ends_with(".svg");
  if (!svg && !path.ends_with(".png"))
    fail("figure ", in_quotes(path), ": expected a name that ends in .png or .svg");
  const TemporaryFolder folder;
  const fs::path script = folder / "figure.gp", out = folder / "figure";
  {
    std::ofstream file(script);
    write_script(file, out, svg, runs);
  }
  const int status = run_gnuplot(script);
  std::error_code error;
  if (status == 0) fs::copy_file(out, path, fs::copy_options::overwrite_existing, error);
  if (status == 127) fail("gnuplot is not installed, so that ", in_quotes(path), " is not drawn");
  if (status != 0) fail("gnuplot could not draw ", in_quotes(path));
  if (error) fail("cannot write ", in_quotes(path), ": ", error.message());
}
