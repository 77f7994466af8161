// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "boundary.hpp"

namespace optiform::testing {

/// Coefficients of the scalar loops, found by name in the recording's order.
template <class Case>
std::vector<double> coefficients_of(const std::vector<double>& all, int first) {
  const Recording& rule = recording<typename Case::Rule>;
  std::vector<double> chosen;
  for (std::size_t i = 0; i < Case::Scalar::coefficient_count; ++i)
    for (short c = 0; c < rule.coefficients; ++c)
      if (std::string_view(rule.coefficient[c].name) == Case::Scalar::coefficients[i])
        chosen.push_back(all[static_cast<std::size_t>(first + c)]);
  return chosen;
}

/// Largest error of the program's outputs against scalar loops in double, relative to rms 1.
/// Length: of the programs, where they need to know it.
template <class Case, class Backend, class T, Index Length = 0, int Heads = 1>
double distance_to_loops(Index rows, Index width, std::uint64_t seed) {
  BoundaryRun<typename Case::Rule, Backend, T, Norm::layer_norm, Heads> run(rows, width, seed);
  run.template forward<Length>();
  using D = typename decltype(run)::D;
  const auto at = [](const std::vector<T>& v, Index size, Index r) {
    return std::vector<double>(v.begin() + r * size, v.begin() + (r + 1) * size);
  };
  const auto gain = [&](int i) {
    return scalar_rules::Norm<double>{at(run.column, width, i), 1e-5};
  };
  const auto now = coefficients_of<Case>(run.coefficient, 0);
  const auto next = coefficients_of<Case>(run.coefficient, D::coefficients);
  double worst = 0;
  for (Index r = 0; r < rows; ++r) {
    scalar_rules::State<double> state;
    state.heads = Heads;
    state.x = at(run.input[0], width, r);
    for (short s = 1; s <= D::streams; ++s)
      state.streams.push_back(at(run.input[static_cast<std::size_t>(s)], run.size(s), r));
    const auto update = D::gains > 0 ? gain(0) : scalar_rules::Norm<double>{};
    const auto query = scalar_rules::boundary<typename Case::Scalar>(
        state, at(run.input.back(), width, r), now, update, next, gain(D::gains));
    const auto compare = [&](const std::vector<T>& got, const std::vector<double>& expected) {
      for (std::size_t e = 0; e < expected.size(); ++e) {
        const double found =
            static_cast<double>(got[static_cast<std::size_t>(r) * expected.size() + e]);
        worst = std::fmax(worst, std::fabs(found - expected[e]) / (1 + std::fabs(expected[e])));
      }
    };
    compare(run.output[0], state.x);
    for (std::size_t s = 0; s < state.streams.size(); ++s)
      compare(run.output[s + 1], state.streams[s]);
    compare(run.output.back(), query);
  }
  return worst;
}

}  // namespace optiform::testing
