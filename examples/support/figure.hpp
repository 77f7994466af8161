// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <fstream>
#include <numeric>
#include <vector>

#include <optiform/io/file.hpp>

#include "gnuplot.hpp"

/// How the curve or mark of a series looks: Okabe and Ito's palette, told apart by every kind of
/// colour vision; dashes and marks as well, for prints without colour.
struct SeriesStyle {
  const char* colour;
  int dash, mark;
};

/// Sixty-four series differ; the first eight in colour already.
inline SeriesStyle series_style(std::size_t series) {
  constexpr const char* colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                     "#E69F00", "#56B4E9", "#000000", "#999999"};
  constexpr int dashes[] = {1, 2, 4, 5, 1, 2, 4, 5}, marks[] = {7, 5, 9, 13, 6, 4, 8, 12};
  const std::size_t shifted = (series + series / 8 * 3) % 8;
  return {colours[series % 8], dashes[shifted], marks[shifted]};
}

/// Numbers of series from the highest value(series) to the lowest: a key in this order reads like
/// the ends of the curves.
template <class F>
std::vector<std::size_t> from_the_top(std::size_t series, F&& value) {
  std::vector<std::size_t> order(series);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return value(a) > value(b); });
  return order;
}

/// A title without what would end its quotes or its line.
inline std::string plain_title(std::string title) {
  for (char& c : title)
    if (c == '\'' || static_cast<unsigned char>(c) < 0x20) c = '?';
  return title;
}

inline void require_figure_name(const std::string& path) {
  if (!path.ends_with(".svg") && !path.ends_with(".png"))
    optiform::fail("figure ", optiform::in_quotes(path),
                   ": expected a name that ends in .png or .svg");
}

/// Lets gnuplot draw a .png or .svg file of so many points; `write(script)` adds the plot to
/// terminal, output and the looks that all figures have. Throws optiform::Error.
template <class F>
void draw_figure(const std::string& path, int width, int height, F&& write) {
  using optiform::fail, optiform::in_quotes;
  require_figure_name(path);
  const TemporaryFolder folder;
  const std::filesystem::path script = folder / "figure.gp", out = folder / "figure";
  {
    std::ofstream gp(script);
    gp.precision(10);
    const bool svg = path.ends_with(".svg");
    gp << "set terminal " << (svg ? "svg" : "pngcairo") << " size " << width << ',' << height
       << " enhanced font 'sans,13' linewidth 1.4" << (svg ? " background '#ffffff'" : "")
       << "\nset output '" << out.string() << "'\n"
       << "set grid lc rgb '#cccccc' lw 0.7\nset border 3 lw 0.8\nset tics nomirror out\n";
    write(gp);
  }
  const int status = run_gnuplot(script);
  std::error_code error;
  if (status == 127) fail("gnuplot is not installed, so that ", in_quotes(path), " is not drawn");
  if (status == 0)
    std::filesystem::copy_file(out, path, std::filesystem::copy_options::overwrite_existing, error);
  if (status != 0) fail("gnuplot could not draw ", in_quotes(path));
  if (error) fail("cannot write ", in_quotes(path), ": ", error.message());
}
