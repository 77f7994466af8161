// SPDX-License-Identifier: MIT
// A rule that a user wrote improves policies, makes layers and trains weights.
#include <doctest/doctest.h>

#include <type_traits>

#include <optiform/depth/layer.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/weights/weight_optimizer.hpp>

#include "../../examples/custom_rule/look_ahead_soft_lion.hpp"
#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

// A user's rule goes wherever they go; weights ask for a query at x.
static_assert(UpdateRule<LookAheadSoftLion> && UpdateRule<SoftLion>);
static_assert(std::is_same_v<PolicyGradient<LookAheadSoftLion>::Improvement::Rule,
                             ResidualBlock<LookAheadSoftLion, CausalAttention>::Rule>);
static_assert(asks_at_iterate<SoftLion>() && !asks_at_iterate<LookAheadSoftLion>());

}  // namespace

TEST_CASE("a user's rule of ten lines improves a policy, trains weights and makes layers") {
  Run<Ascent<LookAheadSoftLion>, 5, 5> policy(
      mdp, {.improvement = {.learning_rate = .01, .schedules = {}}}, hard_start);
  policy.until(2000);
  CHECK(policy.gap() < 1e-3);

  ParameterTable table;
  table.add("w", Role::norm, {1}, Initialisation::value(1));
  WeightOptimizerOptions options;
  options.matrix.weight_decay = options.embedding.weight_decay = 0;
  WeightOptimizer<SoftLion>::on<Reference, double> weights(table, options);
  ReferenceContext context;
  double x[16] = {1}, gradient[16] = {2};
  weights.step(context, x, gradient, 1, .125);
  CHECK(x[0] == doctest::Approx(.875).epsilon(1e-4));
}
