// SPDX-License-Identifier: MIT
#include "policy_archetypes.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace optiform;
using namespace archetypes;

namespace {

static_assert(Surrogate<SmallestSurrogate> && Critic<SmallestCritic>);
static_assert(Stabilizer<SmallestStabilizer> && PolicyParametrisation<SmallestPolicy>);

TabularMdp<> coin() {
  MdpBuilder builder(1, 2, 0, "coin");
  builder.reward(0, 0, 1);
  for (const int a : {0, 1}) builder.transition(0, a, 0, 1);
  return builder.build();
}

}  // namespace

TEST_CASE("the smallest surrogate, critic, stabilizer and policy are a policy optimizer") {
  const TabularMdp<> mdp = coin();
  context_t<Reference> context;
  using Smallest = PolicyOptimizer<SmallestSurrogate, SmallestCritic, SmallestStabilizer>;
  Smallest::on<SmallestPolicy, TabularMdp<>, Reference> mine(
      mdp, context, {.improvement = {.learning_rate = 0.5, .schedules = {}}});
  // x' = x + rate p (1 - p)
  double x = 0;
  for (int t = 0; t < 100; ++t) {
    mine.step();
    const double p = 1 / (1 + std::exp(-x));
    x += 0.5 * p * (1 - p);
    REQUIRE(mine.parameters()[0] == doctest::Approx(x).epsilon(1e-13));
  }
  CHECK(x > 3);
  CHECK(mine.stabilizer<SmallestStabilizer>().steepest == doctest::Approx(0.25));
}

TEST_CASE("each smallest model works beside the library's own") {
  const TabularMdp<> mdp = coin();
  context_t<Reference> context;
  using OnTable = PolicyOptimizer<SmallestSurrogate, SmallestCritic>;
  OnTable::on<SoftmaxTable, TabularMdp<>, Reference> table(
      mdp, context, {.improvement = {.learning_rate = 0.5, .schedules = {}}});
  using Exact = PolicyOptimizer<PolicyGradient<GradientDescent>, ExactCritic, SmallestStabilizer>;
  Exact::on<SoftmaxTable, TabularMdp<>, Reference> exact(
      mdp, context, {.improvement = {.learning_rate = 0.5, .schedules = {}}});
  for (int t = 0; t < 50; ++t) {
    table.step();
    exact.step();
  }
  for (int a = 0; a < 2; ++a)
    CHECK(table.parameters()[a] == doctest::Approx(exact.parameters()[a]).epsilon(1e-13));
}
