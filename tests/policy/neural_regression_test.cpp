// SPDX-License-Identifier: MIT
// What the energy network of neural PPO-Clip is fitted to, and how well.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

#include <optiform/cpu/reference.hpp>
#include <optiform/cpu/reference_solve.hpp>

#include "neural_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

// Sizes known at run time and plain loops compile faster.
const TabularMdp<>& unsized_process() {
  static const TabularMdp<> mdp = five_state_mdp();
  return mdp;
}
context_t<Reference>& plain_context() {
  static context_t<Reference> one;
  return one;
}
template <class Classifier, int Width = 128>
using Fitted = Neural<Classifier, ExactCritic, Width, TabularMdp<>, Reference>;

/// Checks proposition 1 over whole iterations, and the range of C.
template <class Classifier>
void check_target(double least, double most) {
  using Algorithm = Fitted<Classifier>;
  const int iterations = 8;
  Algorithm algorithm(unsized_process(), plain_context(),
                      neural_options<Algorithm>(iterations, 4096, 8));
  const double eta = 1 / std::sqrt(8.0);
  for (int t = 0; t < iterations; ++t) {
    double energy[25], logit[25];
    algorithm.policy().energies(algorithm.parameters(), energy);
    algorithm.policy().logits(algorithm.parameters(), logit);
    const double inverse =
        algorithm.policy().inverse_temperature(static_cast<const double*>(algorithm.parameters()));
    CHECK(inverse == doctest::Approx(5 * t * eta).epsilon(1e-14));
    algorithm.step();
    const auto& improvement = algorithm.improvement();
    const double* const advantage = algorithm.batch().advantage;
    for (int s = 0; s < 5; ++s) {
      double constant[5];
      for (int a = 0; a < 5; ++a) {
        const int i = 5 * s + a;
        const double c = improvement.coefficient()[i];
        CHECK(c >= least * eta - 1e-12);
        CHECK(c <= most * eta + 1e-12);
        constant[a] = improvement.log_target()[i] - (c * advantage[i] + energy[i] * inverse);
        CHECK(improvement.wanted()[i] ==
              doctest::Approx((c * advantage[i] + energy[i] * inverse) / (5 * (t + 1) * eta))
                  .epsilon(1e-12));
      }
      for (int a = 1; a < 5; ++a) REQUIRE(std::abs(constant[a] - constant[0]) < 1e-12);
      CHECK(std::abs(log_sum(improvement.log_target() + 5 * s, 5)) < 1e-12);
    }
  }
}

/// Root of the regression's mean square error in the first iteration, by width.
template <int Width>
double regression_error(std::int64_t samples, double scale) {
  double sum = 0;
  for (const std::uint64_t seed : {1ull, 2ull, 3ull}) {
    using Algorithm = Fitted<Ratio, Width>;
    auto options = neural_options<Algorithm>(8, samples, scale);
    options.improvement.seed = seed;
    Algorithm algorithm(unsized_process(), plain_context(), options);
    algorithm.step();
    sum += algorithm.improvement().regression_error() / 3;
  }
  return std::sqrt(sum);
}

}  // namespace

TEST_CASE("RegressionStep: log target = C A + f / tau + const, C between eta and K eta") {
  SUBCASE("ratio") { check_target<Ratio>(1, 5); }
  SUBCASE("difference") { check_target<Subtraction>(1, 5); }
  SUBCASE("log") { check_target<LogRatio>(0.5, 8); }
  SUBCASE("root") { check_target<RootRatio>(0.25, 4); }
}

TEST_CASE("RegressionStep: its target is the closed form pi exp(eta n A), n whole") {
  using Algorithm = Fitted<Ratio>;
  Algorithm algorithm(unsized_process(), plain_context(), neural_options<Algorithm>(4, 4096, 8));
  const double eta = 0.5;
  int clipped = 0;
  for (int t = 0; t < 4; ++t) {
    double old[25];
    algorithm.policy().probabilities(algorithm.parameters(), old);
    algorithm.step();
    const auto& improvement = algorithm.improvement();
    for (int s = 0; s < 5; ++s) {
      double weight[5], sum = 0;
      for (int a = 0; a < 5; ++a) {
        const int i = 5 * s + a;
        const double n = std::round(improvement.coefficient()[i] / eta);
        REQUIRE(n >= 1);
        REQUIRE(n <= 5);
        clipped += n < 5;
        sum += weight[a] = old[i] * std::exp(eta * n * algorithm.batch().advantage[i]);
      }
      for (int a = 0; a < 5; ++a)
        REQUIRE(std::exp(improvement.log_target()[5 * s + a]) ==
                doctest::Approx(weight[a] / sum).epsilon(1e-12));
    }
  }
  CHECK(clipped > 0);
}

TEST_CASE("RegressionStep: its target is what the table would become") {
  using Algorithm = Fitted<Ratio>;
  using Table =
      PolicyOptimizer<TableHinge<Ratio>, ExactCritic>::on<SoftmaxTable, TabularMdp<>, Reference>;
  Algorithm algorithm(unsized_process(), plain_context(), neural_options<Algorithm>(4, 4096, 8));
  Table table(unsized_process(), plain_context(), clip_options<Table>(0.3, 0.5, 5));
  double p[25];
  for (int t = 0; t < 4; ++t) {
    double logit[25];
    algorithm.policy().logits(algorithm.parameters(), logit);
    table.start_from(logit);
    algorithm.step();
    table.step();
    table.policy().probabilities(table.parameters(), p);
    for (int i = 0; i < 25; ++i)
      REQUIRE(p[i] ==
              doctest::Approx(std::exp(algorithm.improvement().log_target()[i])).epsilon(1e-12));
  }
}

TEST_CASE("RegressionStep: the error falls with the number of samples and the width") {
  const double few = regression_error<128>(256, 1), more = regression_error<128>(4096, 1),
               many = regression_error<128>(65536, 1);
  MESSAGE("samples 256, 4096, 65536: ", few, " ", more, " ", many);
  CHECK(more < few);
  CHECK(many < 0.6 * few);
  const double narrow = regression_error<4>(16384, 8), wide = regression_error<128>(16384, 8);
  MESSAGE("width 4, 128: ", narrow, " ", wide);
  CHECK(wide < 0.3 * narrow);
}

TEST_CASE("Temperature: the schedules of the theory and of practice") {
  CHECK(Temperature::theory(256, 0.5, 5)(4) == doctest::Approx(16.0 / 20));
  CHECK(Temperature::practical(10, 1e6, 2048, 5)(3) ==
        doctest::Approx(10 * 1e3 / (5 * 2048 * 3.0)));
  CHECK(Temperature::constant(0.7)(9) == 0.7);
}
