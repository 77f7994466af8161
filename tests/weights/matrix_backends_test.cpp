// SPDX-License-Identifier: MIT
// Bases, SOAP and Shampoo on both backends.
#include <doctest/doctest.h>

#include <cmath>

#include <optiform/cpu/orthonormal_basis.hpp>
#include <optiform/cpu/reference_orthonormal_basis.hpp>

#include "../support/weights.hpp"

namespace optiform::testing {
namespace {

/// How far Cpu and Reference are apart after ten steps on a square matrix.
template <class Optimizer, class Options>
double distance_of_backends(const Options& options, double rate) {
  Weights<Optimizer, Cpu, double> cpu(table_of_matrix(7, 7), options);
  Weights<Optimizer, Reference, double> reference(table_of_matrix(7, 7), options);
  auto start = cpu.values;
  for (std::uint64_t s = 0; s < 10; ++s) cpu.random_step(s, rate), reference.random_step(s, rate);
  for (std::size_t i = 0; i < start.size(); ++i)
    cpu.values[i] -= start[i], reference.values[i] -= start[i];
  return relative_error(cpu.values, reference.values);
}

}  // namespace

TEST_CASE_TEMPLATE("orthonormal bases: eigenvectors and factors of any rank", Backend, Cpu,
                   Reference) {
  using Basis = orthonormal_basis<Backend>;
  Rng rng(3);
  for (const Index n : {1, 2, 9, 33}) {
    const auto size = static_cast<std::size_t>(n * n);
    auto a = normal(rng, n * n);
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < i; ++j)
        a[static_cast<std::size_t>(i * n + j)] = a[static_cast<std::size_t>(j * n + i)];
    std::vector<double> values(static_cast<std::size_t>(n)), vectors(size), back(size), gram(size);
    Basis::eigenvectors(n, a.data(), values.data(), vectors.data());
    auto factor = a;
    for (Index i = 0; i < n; ++i)  // columns beyond the third are equal: rank 3
      for (Index j = 3; j < n; ++j)
        factor[static_cast<std::size_t>(i * n + j)] = factor[static_cast<std::size_t>(i * n)];
    Basis::orthonormalise(n, factor.data());
    std::vector<double> of_factor(size);
    double upper = 0;
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < n; ++j) {
        const auto at = static_cast<std::size_t>(i * n + j);
        for (Index k = 0; k < n; ++k) {
          const auto v = [&](Index r, Index c) {
            return vectors[static_cast<std::size_t>(r * n + c)];
          };
          const auto q = [&](Index r, Index c) {
            return factor[static_cast<std::size_t>(r * n + c)];
          };
          back[at] += v(i, k) * values[static_cast<std::size_t>(k)] * v(j, k);
          gram[at] += v(k, i) * v(k, j);
          of_factor[at] += q(k, i) * q(k, j);
        }
        // The first columns of a factor span those of the matrix: Q^T A is upper triangular.
        if (j < i && j < 3) {
          double sum = 0;
          for (Index k = 0; k < n; ++k)
            sum += factor[static_cast<std::size_t>(k * n + i)] *
                   a[static_cast<std::size_t>(k * n + j)];
          upper = std::fmax(upper, std::fabs(sum));
        }
        const double one = i == j ? 1 : 0;
        CHECK(std::fabs(gram[at] - one) < 1e-12);
        CHECK(std::fabs(of_factor[at] - one) < 1e-12);
      }
    CHECK(relative_error(back, a) < 1e-12);
    CHECK(upper < 1e-12 * static_cast<double>(n));
    for (std::size_t k = 1; k < values.size(); ++k) CHECK(values[k - 1] >= values[k]);
  }
}

TEST_CASE("SOAP and Shampoo are the same on both backends") {
  CHECK(distance_of_backends<SoapOptimizer>(SoapOptions{.interval = 2}, 1e-2) < 1e-9);
  CHECK(distance_of_backends<SoapOptimizer>(SoapOptions{.max_dimension = 6}, 1e-2) < 1e-12);
  CHECK(distance_of_backends<ShampooOptimizer>(ShampooOptions{.interval = 2}, 1e-2) < 1e-9);
  CHECK(distance_of_backends<ShampooOptimizer>(ShampooOptions{.beta = 0.9}, 1e-2) < 1e-9);
}

}  // namespace optiform::testing
