// SPDX-License-Identifier: MIT
// Any update rule improves policies: the types that make layers.
#include <doctest/doctest.h>

#include <type_traits>

#include <optiform/depth/layer.hpp>
#include <optiform/oracles/attention.hpp>

#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

// One Nesterov: layers, policies.
static_assert(std::is_same_v<PolicyGradient<Nesterov>::Improvement::Rule,
                             ResidualBlock<Nesterov, CausalAttention>::Rule>);

}  // namespace

TEST_CASE("triple momentum that writes its velocity back unscaled is APG, bit for bit") {
  const TabularMdp<> arms = bandit_mdp({1, .99, 0});
  Run<Ascent<TripleMomentum>, 1, 3> triple(
      arms, {.improvement = {.learning_rate = 0, .schedules = apg_options(arms).schedules}});
  Run<Ascent<Nesterov>, 1, 3> nesterov(arms, {.improvement = apg_options(arms)});
  triple.until(2000);
  nesterov.until(2000);
  CHECK(triple.gap() < 1e-5);
  for (int i = 0; i < 3; ++i) CHECK(triple.on.parameters()[i] == nesterov.on.parameters()[i]);
}

TEST_CASE("Adam improves a policy") {
  Run<Ascent<Adam>, 5, 5> run(mdp, {.improvement = {.learning_rate = .05, .schedules = {}}});
  run.until(500);
  CHECK(run.gap() < 1e-5);
}
