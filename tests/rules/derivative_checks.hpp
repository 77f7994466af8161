// SPDX-License-Identifier: MIT
#pragma once

// Checks of OPTIFORM_RULES_HERE, a list of cases: two translation units share them, so that each
// compiles in seconds.
#include "boundary_derivative.hpp"

namespace optiform::testing {

TEST_CASE_TEMPLATE("derived backward programs are the derivative of the forward ones", Case,
                   OPTIFORM_RULES_HERE) {
  using R = typename Case::Rule;
  Rng rng(17);
  // A row of one is constant under the norm; a row of two is a step function up to epsilon.
  for (const Index width : {1, 5, 7, 13, 16, 23, 37})
    check_boundary<R, Reference, Norm::layer_norm>(static_cast<Index>(rng.below(4)) + 1, width,
                                                   rng.bits());
  for (const Index width : {1, 7, 16, 19})
    check_boundary<R, Cpu, Norm::layer_norm>(3, width, rng.bits());
}

TEST_CASE_TEMPLATE("also without the norm and under RMSNorm", Case, OPTIFORM_RULES_HERE) {
  using R = typename Case::Rule;
  for (const Index width : {1, 6, 17}) check_boundary<R, Reference, Norm::none>(2, width, 8);
  for (const Index width : {5, 17}) check_boundary<R, Cpu, Norm::rms_norm>(2, width, 9);
}

TEST_CASE_TEMPLATE("dual numbers through the backward program give exact second derivatives", Case,
                   OPTIFORM_RULES_HERE) {
  using R = typename Case::Rule;
  using Number = Dual<double>;
  constexpr Index rows = 2, width = 9;
  // The direction is a random change of every input; h is small enough for a second-order
  // difference of exact gradients.
  BoundaryRun<R, Reference, double> base(rows, width, 6);
  Rng rng(31);
  std::vector<std::vector<double>> direction;
  for (const auto& in : base.input) direction.push_back(normal(rng, static_cast<Index>(in.size())));
  const auto gradients_at = [&](double h) {
    BoundaryRun<R, Reference, double> moved = base;
    for (std::size_t i = 0; i < moved.input.size(); ++i)
      for (std::size_t j = 0; j < moved.input[i].size(); ++j)
        moved.input[i][j] += h * direction[i][j];
    moved.forward();
    moved.backward();
    return moved.gradient;
  };
  constexpr double h = 2e-5;
  const auto up = gradients_at(h), down = gradients_at(-h);

  using Run = BoundaryRun<R, Reference, double>;
  std::vector<std::vector<Number>> in, out, adjoint, gradient;
  for (std::size_t i = 0; i < base.input.size(); ++i) {
    in.emplace_back();
    for (std::size_t j = 0; j < base.input[i].size(); ++j)
      in.back().push_back({base.input[i][j], direction[i][j]});
    adjoint.push_back(cast<Number>(base.adjoint[i]));
    out.emplace_back(in.back().size());
    gradient.emplace_back(in.back().size());
  }
  auto column = cast<Number>(base.column);
  std::vector<Number> column_gradient(column.size()), statistic(base.statistic.size());
  Number coefficient_gradient[2 * Recording::max_coefficients]{};
  RowArguments<Number> a;
  a.rows = rows;
  a.length = width;
  for (std::size_t i = 0; i < in.size(); ++i) {
    a.input[i] = in[i].data();
    a.output[i] = out[i].data();
  }
  for (int i = 0; i < Run::columns; ++i) {
    a.column[i] = column.data() + i * width;
    a.column_gradient[i] = column_gradient.data() + i * width;
  }
  for (int c = 0; c < Run::coefficients; ++c)
    a.coefficient[c] = base.coefficient[static_cast<std::size_t>(c)];
  a.statistic = statistic.data();
  a.coefficient_gradient = coefficient_gradient;
  ReferenceContext context;
  kernels<Reference>::run_rows<typename Run::Primal>(context, a);
  for (std::size_t i = 0; i < in.size(); ++i) {
    a.input[in.size() + i] = adjoint[i].data();
    a.output[i] = gradient[i].data();
  }
  kernels<Reference>::run_rows<typename Run::Adjoint>(context, a);
  for (std::size_t i = 0; i < in.size(); ++i) {
    std::vector<double> exact, difference;
    for (std::size_t j = 0; j < in[i].size(); ++j) {
      exact.push_back(gradient[i][j].derivative);
      difference.push_back((up[i][j] - down[i][j]) / (2 * h));
    }
    CHECK(relative_error(exact, difference) < 1e-6);
  }
}

}  // namespace optiform::testing
