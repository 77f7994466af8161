// SPDX-License-Identifier: MIT
#include <cmath>
#include <filesystem>
#include <fstream>

#include <optiform/core/error.hpp>

#include "../support/gnuplot.hpp"
#include "problem.hpp"

namespace fs = std::filesystem;
using optiform::fail;

namespace {

constexpr const char* colours[] = {"#1f5fa8", "#c8432b", "#2e8b57", "#8a4fb0",
                                   "#c79a1c", "#444444", "#5bb5c9", "#b0567a"};

}  // namespace

void draw(const std::string& png, const Numbers& numbers, const std::vector<Curve>& curves) {
  const TemporaryFolder folder;
  const optiform::TabularMdp<>& mdp = curves[0].problem->mdp;
  const bool several_starts = curves.back().problem != curves[0].problem;
  double last = 1, least = 1e300, most = 0;
  for (std::size_t c = 0; c < curves.size(); ++c) {
    std::ofstream data(folder / (std::to_string(c) + ".dat"));
    data.precision(17);
    for (const Progress& progress : curves[c].rows) {
      if (progress.iteration < 1 || !(progress.gap > 0)) continue;  // not on logarithmic axes
      last = std::max(last, static_cast<double>(progress.iteration));
      // What has converged to rounding would squeeze the rest.
      least = std::min(least, std::max(progress.gap, 1e-16));
      most = std::max(most, progress.gap);
      data << progress.iteration << ' ' << progress.gap << '\n';
    }
    if (curves[c].method->asymptote == nullptr) continue;
    std::ofstream line(folder / (std::to_string(c) + ".asymptote"));
    line.precision(17);
    for (double t = 1; t <= last; t *= 1.05)
      line << t << ' ' << curves[c].method->asymptote(*curves[c].problem, numbers, t) << '\n';
  }
  if (!(most > 0)) fail("nothing to draw: no iteration has a positive gap");

  const fs::path script = folder / "figure.gp", out = folder / "figure.png";
  {
    std::ofstream gp(script);
    gp << "set terminal pngcairo size 1000,640 font 'sans,13' linewidth 1.6\n"
       << "set output '" << out.string() << "'\n"
       << "set logscale xy\nset format y '10^{%T}'\nset format x '10^{%T}'\n"
       << "set xrange [1:" << last << "]\nset yrange [" << least / 2 << ':' << most * 2 << "]\n"
       << "set xlabel 'iteration'\nset ylabel 'gap  J* - J'\n"
       << "set title \"" << mdp.name() << ": " << mdp.states() << " states, " << mdp.actions()
       << " actions; dashed: predicted asymptotes\" noenhanced\n"
       << "set grid lc rgb '#cccccc' lw 0.7\nset key bottom left spacing 1.3 samplen 2.5\n"
       << "set border 3 lw 0.8\nset tics nomirror out\nset rmargin 4\nplot ";
    for (std::size_t c = 0; c < curves.size(); ++c) {
      const char* const colour = colours[c % std::size(colours)];
      if (c > 0) gp << ", ";
      gp << '\'' << (folder / (std::to_string(c) + ".dat")).string() << "' with lines lw 2 lc rgb '"
         << colour << "' title '" << curves[c].method->name
         << (several_starts ? ", " + curves[c].problem->start_name : std::string())
         << "' noenhanced";
      if (curves[c].method->asymptote != nullptr)
        gp << ", '" << (folder / (std::to_string(c) + ".asymptote")).string()
           << "' with lines dt 2 lw 1.2 lc rgb '" << colour << "' notitle";
    }
    gp << '\n';
  }
  const int status = run_gnuplot(script);
  if (status == 127) fail("gnuplot is not installed, so that '", png, "' cannot be drawn");
  if (status != 0) fail("gnuplot could not draw '", png, "'");
  std::error_code error;
  fs::copy_file(out, png, fs::copy_options::overwrite_existing, error);
  if (error) fail("cannot write '", png, "': ", error.message());
}
