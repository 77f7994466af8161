// SPDX-License-Identifier: MIT
// SOAP and Shampoo: resume, threads, bad input. torch_test.cpp compares them with loops in another
// language, matrix_backends_test.cpp backends.
#include <doctest/doctest.h>

#include <cmath>

#include <optiform/cpu/orthonormal_basis.hpp>

#include "../support/weights.hpp"

namespace optiform::testing {
namespace {

template <class Optimizer, class Backend = Cpu, class T = double>
using Run = Weights<Optimizer, Backend, T>;

ParameterTable matrices() {
  ParameterTable table;
  table.add("square", Role::matrix, {12, 12}, {});
  table.add("narrow", Role::matrix, {40, 6}, {});
  table.add("long", Role::matrix, {300, 11}, {});
  return table;
}

template <class Optimizer, class Options>
void check_optimizer(const Options& options, double rate) {
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
  for (std::size_t i = 0; i < from.size(); ++i)
    std::copy(from[i].data, from[i].data + from[i].size, to[i].data);
  steps(resumed, 5, 9);
  CHECK(resumed.values == one.values);

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

}  // namespace

TEST_CASE("SOAP: threads, resume and clearing change no bit") {
  check_optimizer<SoapOptimizer>(SoapOptions{.interval = 3}, 1e-2);
}
TEST_CASE("Shampoo: threads, resume and clearing change no bit") {
  check_optimizer<ShampooOptimizer>(ShampooOptions{.interval = 3}, 1e-2);
}

TEST_CASE_TEMPLATE("a large matrix: threads that share its products change no bit", Optimizer,
                   SoapOptimizer, ShampooOptimizer) {
  std::vector<double> first;
  for (const int threads : {1, 3}) {
    Run<Optimizer> run(table_of_matrix(1000, 900), {.interval = 1}, threads);
    run.random_step(0, 1e-2);
    if (std::is_same_v<Optimizer, SoapOptimizer>) run.random_step(1, 1e-2);
    if (first.empty()) first = run.values;
    CHECK(run.values == first);
  }
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
