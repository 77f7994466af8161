// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/training/evaluation/curvature.hpp>
#include <optiform/training/evaluation/spectrum.hpp>

#include "curved_model.hpp"

using namespace optiform;
using evaluated::Curved;

namespace {

TEST_CASE("Hessian: exact products are differences of exact gradients, to 1e-6") {
  CHECK(Curved<TripleMomentum>().difference_error() < 1e-6);
  CHECK(Curved<AdamW>().difference_error() < 1e-6);
}

TEST_CASE("Sharpness: eigenvalue and trace are those of the explicit Hessian") {
  Curved<TripleMomentum> curved;
  const ParameterTable& table = curved.trainer->parameters();
  const auto n = table.count();
  CHECK(n < 400);
  std::vector<Index> at;
  for (const auto& p : table.entries())
    for (Index i = 0; i < p.size; ++i) at.push_back(p.offset + i);
  std::vector<double> hessian;
  ParameterVector unit(static_cast<std::size_t>(table.total())), column;
  const auto product = [&](const ParameterVector& v, ParameterVector& out) {
    curved.exact(v, out);
  };
  double trace = 0, asymmetry = 0;
  for (std::size_t j = 0; j < at.size(); ++j) {
    unit[static_cast<std::size_t>(at[j])] = 1;
    product(unit, column);
    unit[static_cast<std::size_t>(at[j])] = 0;
    for (const Index i : at) hessian.push_back(column[static_cast<std::size_t>(i)]);
    trace += column[static_cast<std::size_t>(at[j])];
  }
  for (std::size_t i = 0; i < at.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      asymmetry =
          std::fmax(asymmetry, std::fabs(hessian[i * at.size() + j] - hessian[j * at.size() + i]));
  CHECK(asymmetry < 1e-13);
  const auto eigenvalues = symmetric_eigenvalues(hessian, n);
  const double low = eigenvalues.back(), high = eigenvalues.front();
  const double largest = std::fabs(low) > high ? low : high;

  ParameterVector v;
  draw_normal(table, Rng(1), v);
  const TopEigenvalue top = top_eigenvalue(product, v, 2000, 1e-13);
  CHECK(top.converged);
  CHECK(top.value == doctest::Approx(largest).epsilon(1e-6));

  // Signs see the diagonal exactly and everything else with mean zero.
  const Curvature sharp = measure_curvature(table, product, {.iterations = 40, .probes = 200});
  CHECK(sharp.top.value == doctest::Approx(largest).epsilon(0.02));
  const double error = sharp.trace.deviation / std::sqrt(200.0);
  CHECK(std::fabs(sharp.trace.mean - trace) < 4 * error);
  CHECK(error < 0.2 * std::fabs(trace));
  CHECK(sharp.trace_per_parameter() == sharp.trace.mean / static_cast<double>(n));
}

TEST_CASE("Sharpness: impossible numbers are one sentence") {
  auto trainer = evaluated::trainer<TripleMomentum>();
  const auto text = evaluated::text();
  const TokenBatches other(RandomCrops(text, 4, 0, "test"), 1, 2);
  CHECK_THROWS_WITH_AS(DifferenceHessian(*trainer, other),
                       "batches are 2 x 4 tokens; expected the trainer's 2 x 5", Error);
  CHECK_THROWS_WITH_AS(CurvatureProtocol{.probes = 0}.validate(),
                       "probes is 0; expected at least 1", Error);
  CHECK_THROWS_AS(CurvatureProtocol{.iterations = 0}.validate(), Error);
  CHECK_THROWS_AS(CurvatureProtocol{.tolerance = -1}.validate(), Error);
  ExactModel<evaluated::Model<TripleMomentum>>::on<Reference> larger(evaluated::model_options(2));
  CHECK_THROWS_AS(larger.assign(*trainer), Error);
  CHECK_THROWS_WITH_AS(larger.select(0, LayerPart::block),
                       "a layer was selected before the model has run; call run first", Error);
}

}  // namespace
