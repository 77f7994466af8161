// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <Eigen/Eigenvalues>
#include <Eigen/SVD>

#include <optiform/training/evaluation/spectrum.hpp>

using namespace optiform;

namespace {

Eigen::MatrixXd random_matrix(Index n, std::uint64_t seed) {
  Rng rng(seed);
  Eigen::MatrixXd a(n, n);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) a(i, j) = rng.normal();
  return a;
}

/// A matrix as measurements see it.
struct MatrixMap {
  Eigen::MatrixXd matrix;
  Index size() const { return matrix.rows(); }
  void product(const double* v, double* out) const {
    Eigen::Map<Eigen::VectorXd>(out, size()) =
        matrix * Eigen::Map<const Eigen::VectorXd>(v, size());
  }
  void transposed_product(const double* w, double* out) const {
    Eigen::Map<Eigen::VectorXd>(out, size()) =
        matrix.transpose() * Eigen::Map<const Eigen::VectorXd>(w, size());
  }
};

TEST_CASE("symmetric_eigenvalues: those of Eigen's solver") {
  for (const Index n : {1, 2, 7, 40}) {
    const Eigen::MatrixXd half = random_matrix(n, static_cast<std::uint64_t>(n));
    const Eigen::MatrixXd a = half + half.transpose();
    const Eigen::VectorXd expected =
        Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(a).eigenvalues();
    const auto values = symmetric_eigenvalues({a.data(), a.data() + n * n}, n);
    REQUIRE(values.size() == static_cast<std::size_t>(n));
    for (Index i = 0; i < n; ++i)
      CHECK(values[static_cast<std::size_t>(i)] ==
            doctest::Approx(expected(n - 1 - i)).epsilon(1e-12));
  }
}

TEST_CASE("Spectrum: singular values of a matrix are those of Eigen's decomposition") {
  MatrixMap map{random_matrix(60, 1)};
  // Singular values that fall by a fifth each: what is left out is small.
  Eigen::JacobiSVD<Eigen::MatrixXd> start(map.matrix, Eigen::ComputeFullU | Eigen::ComputeFullV);
  Eigen::VectorXd falling(60);
  for (Index i = 0; i < 60; ++i) falling(i) = 3 * std::pow(0.8, static_cast<double>(i));
  map.matrix = start.matrixU() * falling.asDiagonal() * start.matrixV().transpose();
  const Spectrum spectrum = measure_spectrum(map, {.rank = 10, .probes = 500});
  REQUIRE(spectrum.singular_values.size() == 10);
  for (Index i = 0; i < 10; ++i)
    CHECK(spectrum.singular_values[static_cast<std::size_t>(i)] ==
          doctest::Approx(falling(i)).epsilon(1e-3));
  CHECK(spectrum.largest == doctest::Approx(3).epsilon(1e-3));
  CHECK(spectrum.squared_norm == doctest::Approx(falling.squaredNorm()).epsilon(0.1));
  CHECK(spectrum.condition() == doctest::Approx(std::pow(0.8, -9)).epsilon(1e-3));
  CHECK(spectrum.stable_rank() == doctest::Approx(falling.squaredNorm() / 9).epsilon(0.1));
}

TEST_CASE("Spectrum: a map of low rank has zeros after it") {
  MatrixMap map{random_matrix(20, 3)};
  map.matrix.bottomRows(17).setZero();
  const Spectrum spectrum = measure_spectrum(map, {.rank = 8});
  REQUIRE(spectrum.singular_values.size() == 8);
  CHECK(spectrum.singular_values[2] > 1);
  CHECK(spectrum.singular_values[3] < 1e-6);
}

TEST_CASE("Sharpness: the power method keeps the sign and stops by its protocol") {
  const auto diagonal = [](const ParameterVector& v, ParameterVector& out) {
    out = {-5 * v[0], 2 * v[1], v[2]};
  };
  ParameterVector v{1, 1, 1};
  const TopEigenvalue top = top_eigenvalue(diagonal, v, 15, 1e-3);
  CHECK(top.converged);
  CHECK(top.iterations < 15);
  CHECK(top.value == doctest::Approx(-5).epsilon(1e-3));
  // The quotient comes before the update: the first is that of the start vector.
  ParameterVector start{1, 1, 1};
  CHECK(top_eigenvalue(diagonal, start, 1, 0).value == doctest::Approx(-2.0 / 3));
  ParameterVector zero{0, 0, 0};
  CHECK(top_eigenvalue(diagonal, zero, 15, 1e-3).iterations == 0);
}

TEST_CASE("Sharpness: the trace of a diagonal matrix needs one probe") {
  const auto diagonal = [](const ParameterVector& v, ParameterVector& out) {
    out = {-5 * v[0], 2 * v[1], v[2]};
  };
  ParameterTable table;
  table.add("w", Role::matrix, {3}, Initialisation::value(0));
  const auto draw = [&](Index probe, ParameterVector& z) {
    draw_signs(table, Rng(0, static_cast<std::uint64_t>(probe)), z);
    z.resize(3);
  };
  const TraceEstimate trace = estimate_trace(diagonal, 3, 4, draw);
  CHECK(trace.mean == -2);
  CHECK(trace.deviation == 0);
}

TEST_CASE("Spectrum: impossible protocols are one sentence") {
  CHECK_THROWS_AS(SpectrumProtocol{.rank = 0}.validate(), Error);
  CHECK_THROWS_AS(SpectrumProtocol{.probes = 0}.validate(), Error);
  CHECK_THROWS_AS(SpectrumProtocol{.power_iterations = 0}.validate(), Error);
  CHECK_THROWS_AS(SpectrumProtocol{.subspace_iterations = -1}.validate(), Error);
}

}  // namespace
