// SPDX-License-Identifier: MIT
// SOAP and Shampoo: backends agree, resume, threads, bad input. tests/weights/torch_test.cpp
// compares them with loops in another language.
#include <doctest/doctest.h>

#include <cmath>

#include <optiform/cpu/orthonormal_basis.hpp>
#include <optiform/cpu/reference_orthonormal_basis.hpp>

#include "../support/weights.hpp"

namespace optiform::testing {
namespace {

template <class Optimizer, class Backend = Cpu, class T = double>
using Run = Weights<Optimizer, Backend, T>;

/// Matrices only.
ParameterTable matrices() {
  ParameterTable table;
  table.add("square", Role::matrix, {12, 12}, {});
  table.add("narrow", Role::matrix, {40, 6}, {});
  table.add("large", Role::matrix, {300, 11}, {});
  return table;
}

template <class Optimizer, class Options>
void check_optimizer(const Options& options, double rate) {
  using On = typename Run<Optimizer>::On;
  const auto steps = [&](auto& run, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t s = first; s < last; ++s) run.random_step(s, rate);
  };
  Run<Optimizer> one(matrices(), options);
  steps(one, 0, 9);
  for (const int threads : {2, 3}) {
    Run<Optimizer> run(matrices(), options, threads);
    steps(run, 0, 9);
    CHECK(run.values == one.values);
  }
  Run<Optimizer> resumed(matrices(), options);
  Run<Optimizer> half(matrices(), options);
  steps(half, 0, 5);
  resumed.values = half.values;
  resumed.optimizer.set_clock(half.optimizer.clock());
  const auto from = half.optimizer.streams(), to = resumed.optimizer.streams();
  Index bytes = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::copy(from[i].data, from[i].data + from[i].size, to[i].data);
    bytes += from[i].size * static_cast<Index>(sizeof(double));
  }
  steps(resumed, 5, 9);
  CHECK(resumed.values == one.values);
  CHECK(On::stream_bytes(one.table, options) == bytes);

  Run<Optimizer> clearing(matrices(), options);
  for (std::uint64_t s = 0; s < 9; ++s) {
    Rng rng(100 + s);
    auto gradients = normal(rng, clearing.table.total());
    clearing.optimizer.step_and_clear(clearing.context, clearing.values.data(), gradients.data(),
                                      0.5, rate);
    for (const ParameterInfo& p : clearing.table.entries())
      for (Index i = p.offset; i < p.offset + p.size; ++i)
        CHECK(gradients[static_cast<std::size_t>(i)] == 0);
  }
  CHECK(clearing.values == one.values);
}

/// How far Cpu and Reference are apart after ten steps on a square matrix.
template <class Optimizer, class Options>
double distance_of_backends(const Options& options, double rate) {
  Run<Optimizer> cpu(table_of_matrix(7, 7), options);
  Run<Optimizer, Reference> reference(table_of_matrix(7, 7), options);
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

TEST_CASE("SOAP: threads, resume and clearing change no bit") {
  check_optimizer<SoapOptimizer>(SoapOptions{.interval = 3}, 1e-2);
}
TEST_CASE("Shampoo: threads, resume and clearing change no bit") {
  check_optimizer<ShampooOptimizer>(ShampooOptions{.interval = 3}, 1e-2);
}

TEST_CASE("SOAP and Shampoo are the same on both backends") {
  CHECK(distance_of_backends<SoapOptimizer>(SoapOptions{.interval = 2}, 1e-2) < 1e-9);
  CHECK(distance_of_backends<SoapOptimizer>(SoapOptions{.max_dimension = 6}, 1e-2) < 1e-12);
  CHECK(distance_of_backends<ShampooOptimizer>(ShampooOptions{.interval = 2}, 1e-2) < 1e-9);
  CHECK(distance_of_backends<ShampooOptimizer>(ShampooOptions{.beta = 0.9}, 1e-2) < 1e-9);
}

TEST_CASE("SOAP without rotated sides is AdamW one step late") {
  Run<SoapOptimizer> soap(table_of_matrix(9, 5),
                          SoapOptions{.weight_decay = 0, .max_dimension = 4});
  WeightOptimizerOptions numbers;
  numbers.matrix.weight_decay = 0;
  numbers.coefficients = {{"beta1", 0.95}, {"beta2", 0.95}};
  Run<WeightOptimizer<AdamW>> adam(table_of_matrix(9, 5), numbers);
  const auto start = soap.values;
  soap.random_step(0, 1e-2);
  CHECK(soap.values == start);
  for (std::uint64_t s = 1; s < 9; ++s) soap.random_step(s, 1e-2), adam.random_step(s, 1e-2);
  CHECK(relative_error(soap.values, adam.values) < 1e-14);
}

TEST_CASE("Shampoo's first step has singular values one, whatever the gradient's scale") {
  for (const double scale : {1.0, 1e3}) {
    Run<ShampooOptimizer> run(table_of_matrix(6, 6), ShampooOptions{.epsilon = 1e-12});
    Rng rng(5);
    auto g = normal(rng, run.table.total(), scale);
    const auto start = run.values;
    run.optimizer.step(run.context, run.values.data(), g.data(), 1, 1);
    // (G G^T)^(-1/4) G (G^T G)^(-1/4) = U V^T
    for (Index i = 0; i < 6; ++i)
      for (Index j = 0; j < 6; ++j) {
        double dot = 0;
        for (Index k = 0; k < 6; ++k) {
          const auto moved = [&](Index r) {
            const auto at = static_cast<std::size_t>(r * 6 + k);
            return run.values[at] - start[at];
          };
          dot += moved(i) * moved(j);
        }
        CHECK(dot == doctest::Approx(i == j ? 1 : 0).epsilon(1e-6));
      }
  }
}

TEST_CASE("matrix optimizers refuse impossible numbers, and what is no matrix, in one sentence") {
  const auto soap = [](SoapOptions options) {
    return message_of([&] { SoapOptimizer::on<Cpu, float>(table_of_matrix(3, 4), options); });
  };
  CHECK(soap({}) == "");
  CHECK(soap({.weight_decay = -1}) == "SOAP: weight decay is -1; expected a number of 0 or more");
  CHECK(soap({.beta1 = 1}) == "SOAP: beta1 is 1; expected 0 to below 1");
  CHECK(soap({.covariance_beta = NAN}) ==
        "SOAP: beta of the covariances is nan; expected 0 to below 1");
  CHECK(soap({.interval = 0}) == "SOAP: interval is 0 steps; expected at least 1");
  const auto shampoo = [](ShampooOptions options) {
    return message_of([&] { ShampooOptimizer::on<Cpu, float>(table_of_matrix(3, 4), options); });
  };
  CHECK(shampoo({}) == "");
  CHECK(shampoo({.beta = 1.5}) == "Shampoo: beta is 1.5; expected 0 to 1");
  CHECK(shampoo({.epsilon = 0}) == "Shampoo: epsilon is 0; expected a positive number");
  CHECK(shampoo({.interval = -3}) == "Shampoo: interval is -3 steps; expected at least 1");
  ParameterTable table;
  table.add("bias", Role::matrix, {3}, {});
  CHECK(message_of([&] { SoapOptimizer::on<Cpu, float>{table}; }) ==
        "SOAP: parameter 'bias' has 1 dimensions; expected a matrix");
}

}  // namespace optiform::testing
