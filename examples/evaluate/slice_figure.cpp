// SPDX-License-Identifier: MIT
#include <fstream>

#include "../support/gnuplot.hpp"
#include "measurements.hpp"

using namespace optiform;

void draw_slice(const std::vector<SlicePoint>& slice, const std::string& title,
                const std::string& out) {
  const TemporaryFolder folder;
  const auto script = folder / "slice.gp";
  {
    std::ofstream gp(script);
    gp.precision(10);
    gp << "$slice << EOD\n";
    for (const SlicePoint& point : slice) gp << point.alpha << ' ' << point.loss << '\n';
    const bool svg = out.ends_with(".svg");
    gp << "EOD\n"
       << (svg ? "set terminal svg size 640,480 background '#ffffff'\n"
               : "set terminal pngcairo size 640,480\n")
       << "set output '" << out << "'\n"
       << "set title '" << title << ": loss along one direction'\n"
       << "set xlabel 'step in lengths of each tensor'\n"
       << "set ylabel 'loss (nats per token)'\n"
       << "set grid lc rgb '#cccccc' lw 0.7\nset border 3\nset tics nomirror out\nunset key\n"
       << "plot $slice with linespoints lc rgb '#0072B2' lw 1.5 pt 7\n";
  }
  const int status = run_gnuplot(script);
  if (status == 127) fail("cannot draw '", out, "': gnuplot is not installed");
  if (status != 0) fail("cannot draw '", out, "': gnuplot failed");
}
