// SPDX-License-Identifier: MIT
// Neural PPO-Clip in the form of its theory, on small processes.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

#include <optiform/cpu/reference.hpp>
#include <optiform/cpu/reference_solve.hpp>

#include "neural_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

/// Root mean square of Q - Q_true over the pairs, after one evaluation of the uniform policy.
double evaluation_error(double discount, std::int64_t samples, double scale) {
  using Algorithm = Neural<Ratio, NeuralTdCritic>;
  const FiveStates mdp(five_state_mdp(discount));
  auto options = neural_options<Algorithm>(8, 1, 1);
  options.critic.fit = {.samples = samples, .step_scale = scale, .radius = 1000};
  Algorithm algorithm(mdp, context(), options);
  auto& exact = algorithm.critic().iterate(algorithm.policy(), algorithm.parameters());
  algorithm.critic().evaluate(algorithm.policy(), algorithm.parameters());
  double sum = 0;
  for (int i = 0; i < 25; ++i)
    sum += std::pow(algorithm.critic().action_value()[i] - exact.action_value()[i], 2) / 25;
  return std::sqrt(sum);
}

}  // namespace

TEST_CASE("NeuralTdCritic: approaches the true action values") {
  // With a short horizon and the theory's step, 1 / sqrt(samples).
  const double half[] = {evaluation_error(0.5, 4096, 1), evaluation_error(0.5, 65536, 1),
                         evaluation_error(0.5, 524288, 1)};
  // What all values have in common is learned 1 / (1 - gamma) times more slowly.
  const double tenth[] = {evaluation_error(0.9, 4096, 16), evaluation_error(0.9, 65536, 16),
                          evaluation_error(0.9, 262144, 16)};
  MESSAGE("rms error of Q, discount 0.5: ", half[0], " ", half[1], " ", half[2],
          "; discount 0.9, 16 times the step: ", tenth[0], " ", tenth[1], " ", tenth[2]);
  CHECK(half[1] < 0.7 * half[0]);
  CHECK(half[2] < 0.25);
  CHECK(tenth[1] < 0.5 * tenth[0]);
  CHECK(tenth[2] < 0.75);
}

TEST_CASE("NeuralTdCritic: a process of any size gives what its compiled form gives") {
  const TabularMdp<> mdp = five_state_mdp();
  context_t<Reference> plain;
  using Algorithm = Neural<Ratio, NeuralTdCritic>;
  using Any = Neural<Ratio, NeuralTdCritic, 128, TabularMdp<>, Reference>;
  auto options = neural_options<Algorithm>(8, 64, 1);
  options.critic.fit.samples = 4096;
  auto same = neural_options<Any>(8, 64, 1);
  same.critic.fit.samples = 4096;
  Algorithm algorithm(process(), context(), options);
  Any any(mdp, plain, same);
  algorithm.step();
  any.step();
  for (int i = 0; i < 25; ++i)
    CHECK(algorithm.critic().action_value()[i] ==
          doctest::Approx(any.critic().action_value()[i]).epsilon(1e-9));
}

TEST_CASE("NeuralTdCritic: starts where the policy's network starts, and repeats itself") {
  using Algorithm = Neural<Ratio, NeuralTdCritic>;
  auto options = neural_options<Algorithm>(4, 1024, 1);
  options.critic.width = 128;
  options.critic.fit.samples = 1024;
  Algorithm one(process(), context(), options), two(process(), context(), options);
  const auto& f = one.policy().network();
  const auto& q = one.critic().network();
  REQUIRE(f.parameters() == q.parameters());
  for (Index i = 0; i < f.parameters(); ++i) REQUIRE(f.initial()[i] == q.initial()[i]);
  for (Index i = 0; i < f.width(); ++i) REQUIRE(f.signs()[i] == q.signs()[i]);
  for (int t = 0; t < 2; ++t) {
    one.step();
    two.step();
  }
  for (Index i = 0; i < f.parameters(); ++i) REQUIRE(one.parameters()[i] == two.parameters()[i]);
}

TEST_CASE("NeuralPpoClip: improves the objective with exact advantages") {
  using Algorithm = Neural<Ratio>;
  Algorithm algorithm(process(), context(), neural_options<Algorithm>(16, 16384, 8));
  const double start = algorithm.gap();
  for (int t = 0; t < 16; ++t) algorithm.step();
  MESSAGE("gap ", start, " -> ", algorithm.gap());
  CHECK(start == doctest::Approx(3.392).epsilon(1e-3));
  CHECK(algorithm.gap() < 0.15 * start);
}

TEST_CASE("NeuralPpoClip: improves the objective with learned advantages") {
  // [neural]
  using Run = NeuralPpoClip<Ratio>::on<EnergyNetwork<128>, TabularMdp<5, 5>, Cpu>;
  const TabularMdp<5, 5> mdp(five_state_mdp());
  context_t<Cpu> one(1);
  Run::Options options;
  options.surrogate.epsilon = 0.3;
  options.improvement = RegressionStep<>::Options::theory(16, 0.5, 5);  // T, alpha, K
  options.improvement.fit = {.samples = 16384, .step_scale = 8, .radius = 20};
  options.critic.width = 128;
  options.critic.fit = {.samples = 65536, .step_scale = 4, .radius = 1000};
  Run run(mdp, one, options);
  const double start = run.gap();
  for (int t = 0; t < 16; ++t) run.step();
  // [neural]
  MESSAGE("gap ", start, " -> ", run.gap());
  CHECK(run.gap() < 0.05 * start);
}

TEST_CASE("EnergyNetwork: starts uniform over what is available, refuses other starts") {
  MdpBuilder builder(2, 3, 0.5);
  for (int s = 0; s < 2; ++s)
    for (int a = 0; a < 3; ++a) {
      if (s == 1 && a == 1) continue;
      builder.transition(s, a, (s + a) % 2, 1);
      builder.reward(s, a, 0.1 * s + 0.3 * a);
    }
  builder.unavailable(1, 1);
  const TabularMdp<2, 3> mdp(builder.build());
  using Algorithm = NeuralPpoClip<Ratio, ExactCritic>::on<EnergyNetwork<32, StateActionIndicators>,
                                                          TabularMdp<2, 3>, Cpu>;
  auto options = neural_options<Algorithm>(8, 2048, 4);
  Algorithm algorithm(mdp, context(), options);
  double p[6];
  algorithm.policy().probabilities(algorithm.parameters(), p);
  CHECK(p[1] == doctest::Approx(1.0 / 3));
  CHECK(p[3] == 0.5);
  CHECK(p[4] == 0);
  const double before = algorithm.objective();
  for (int t = 0; t < 8; ++t) algorithm.step();
  algorithm.policy().probabilities(algorithm.parameters(), p);
  CHECK(p[4] == 0);
  CHECK(p[3] + p[5] == doctest::Approx(1));
  CHECK(algorithm.objective() > before);
  const double uneven[6] = {0, 0, 1, 0, 0, 0};
  CHECK_THROWS_AS(algorithm.start_from(uneven), Error);
}

TEST_CASE("RegressionStep: the practical options go on from the last fit") {
  using Algorithm = Neural<Ratio>;
  typename Algorithm::Options options;
  options.surrogate.epsilon = 0.3;
  options.improvement = RegressionStep<>::Options::practical(0.1, 5, 1, 100 * 20, 100);
  options.improvement.fit.samples = 4096;
  options.improvement.fit.step_scale = 8;
  Algorithm algorithm(process(), context(), options);
  const double start = algorithm.gap();
  for (int t = 0; t < 20; ++t) algorithm.step();
  MESSAGE("gap ", start, " -> ", algorithm.gap());
  CHECK(algorithm.gap() < 0.8 * start);
}
