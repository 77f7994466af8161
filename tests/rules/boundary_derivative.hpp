// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <doctest/doctest.h>

#include "../support/gradient_check.hpp"
#include "boundary.hpp"

namespace optiform::testing {

/// The derived backward program of a boundary against central differences of its forward one.
/// Length: of the programs, where they need to know it.
template <class R, class Backend, Norm VelocityNorm, Index Length = 0, int Heads = 1>
void check_boundary(Index rows, Index width, std::uint64_t seed, double tolerance = 1e-6,
                    double step = 1e-3) {
  INFO("rows ", rows, ", width ", width);
  BoundaryRun<R, Backend, double, VelocityNorm, Heads> run(rows, width, seed);
  using Run = decltype(run);
  run.template forward<Length>();
  run.template backward<Length>();
  std::vector<GradientBlock> blocks;
  const auto add = [&](const std::string& name, std::vector<double>& values,
                       const std::vector<double>& gradient) {
    blocks.push_back({name, values.data(), gradient.data(), static_cast<Index>(values.size())});
  };
  for (std::size_t i = 0; i < run.input.size(); ++i)
    add("input " + std::to_string(i), run.input[i], run.gradient[i]);
  add("gains", run.column, run.column_gradient);
  for (int c = 0; c < Run::coefficients; ++c) {
    const CoefficientInfo& info = Run::D::rule.coefficient[c % Run::D::coefficients];
    if (info.pinned || info.kind == CoefficientKind::constant || info.kind == CoefficientKind::rate)
      continue;
    blocks.push_back({info.name, &run.coefficient[static_cast<std::size_t>(c)],
                      &run.coefficient_gradient[static_cast<std::size_t>(c)], 1});
  }
  const auto result = check_gradients([&] { return run.template objective<Length>(); }, blocks,
                                      {.step = step, .coordinates = 40, .seed = seed});
  INFO("worst: ", result.worst);
  CHECK(result.error <= tolerance);
}

}  // namespace optiform::testing
