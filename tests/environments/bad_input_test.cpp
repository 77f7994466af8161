// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <optiform/environments/tabular/chains.hpp>
#include <optiform/environments/tabular/grid_worlds.hpp>
#include <optiform/environments/tabular/random_mdps.hpp>
#include <optiform/io/xtensor.hpp>
#include <xtensor/xtensor.hpp>

namespace optiform::testing {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Two states, two actions, everything leads to state 0.
MdpBuilder valid() {
  MdpBuilder builder(2, 2, 0.9);
  for (int s = 0; s < 2; ++s)
    for (int a = 0; a < 2; ++a) builder.transition(s, a, 0, 1);
  return builder;
}

}  // namespace

#define CHECK_SENTENCE(sentence, ...) CHECK_THROWS_WITH_AS(__VA_ARGS__, sentence, Error)

TEST_CASE("MdpBuilder: every fault is a sentence with the place and the number") {
  CHECK_NOTHROW(valid().build());
  CHECK_SENTENCE("states = 0, expected at least 1", MdpBuilder(0, 2, 0.9));
  CHECK_SENTENCE("actions = -1, expected at least 1", MdpBuilder(2, -1, 0.9));
  CHECK_SENTENCE(
      "2000000000 states with 1000 actions are too many, expected at most 100000000 pairs",
      MdpBuilder(2'000'000'000, 1000, 0.9));
  CHECK_SENTENCE("discount = 1, expected 0 <= discount < 1", MdpBuilder(2, 2, 1));
  CHECK_SENTENCE("discount = -0.1, expected 0 <= discount < 1", MdpBuilder(2, 2, -0.1));
  CHECK_SENTENCE("discount = nan, expected 0 <= discount < 1", MdpBuilder(2, 2, nan));
  CHECK_SENTENCE("discount = 1.5, expected 0 <= discount < 1", valid().build().with_discount(1.5));

  MdpBuilder b = valid();
  CHECK_SENTENCE("state 2 does not exist, expected 0 to 1", b.transition(2, 0, 0, 1));
  CHECK_SENTENCE("action 5 does not exist, expected 0 to 1", b.reward(0, 5, 1));
  CHECK_SENTENCE("transition of state 1, action 0 leads to state -1, expected 0 to 1",
                 b.transition(1, 0, -1, 1));
  CHECK_SENTENCE("P(1 | 0, 1) = 1.5, expected 0 to 1", b.transition(0, 1, 1, 1.5));
  CHECK_SENTENCE("P(1 | 0, 1) = nan, expected 0 to 1", b.transition(0, 1, 1, nan));
  CHECK_SENTENCE("P(1 | 0, 1) = -0.25, expected 0 to 1", b.transition(0, 1, 1, -0.25));
  CHECK_SENTENCE("reward of state 0, action 1 is nan, expected a finite number",
                 b.reward(0, 1, nan));
  CHECK_SENTENCE("reward of state 0, action 1 is inf, expected a finite number",
                 b.reward(0, 1, HUGE_VAL));
  CHECK_SENTENCE("the start distribution has 3 entries, expected one for each of 2 states",
                 b.start({0, 0, 1}));
  CHECK_SENTENCE("the start distribution sums to 0.9, expected 1", b.start({.4, .5}));
  CHECK_SENTENCE("the start distribution contains -1, expected 0 to 1", b.start({-1, 1}));
  CHECK_SENTENCE("the start distribution contains nan, expected 0 to 1", b.start({nan, 1}));
  CHECK_SENTENCE("state 7 does not exist, expected 0 to 1", b.start_in(7));
  CHECK_SENTENCE("the start logits have 2 entries, expected 2 x 2", b.start_logits({0, 0}));

  b.transition(1, 1, 1, 0.25);
  CHECK_SENTENCE("transition probabilities of state 1, action 1 sum to 1.25, expected 1",
                 b.build());
  b = valid();
  b.unavailable(0, 1);
  CHECK_SENTENCE("state 0, action 1 has transitions but is marked unavailable", b.build());
  b = MdpBuilder(1, 2, 0.5);
  b.unavailable(0, 0);
  b.unavailable(0, 1);
  CHECK_SENTENCE("state 0 has no available action, expected at least one", b.build());
  b = valid();
  b.start_logits({0, 0, nan, 0});
  CHECK_SENTENCE("start logit of state 1, action 0 is nan, expected a finite number", b.build());
}

TEST_CASE("MdpBuilder: unavailable pairs keep nothing, repeated successors are added up") {
  MdpBuilder b(2, 2, 0.9);
  b.transition(0, 0, 1, 0.5);
  b.transition(0, 0, 0, 0.25);
  b.transition(0, 0, 1, 0.25);
  b.reward(0, 1, 8);
  b.unavailable(0, 1);
  b.absorbing(1);
  const TabularMdp<> mdp = b.build();
  REQUIRE(mdp.end(0) - mdp.begin(0) == 2);
  CHECK(mdp.begin(0)->state == 0);
  CHECK(mdp.begin(0)[1].probability == 0.75);
  CHECK(mdp.reward(1) == 0);
  CHECK(mdp.begin(1) == mdp.end(1));
  CHECK(mdp.start_logits()[1] == -HUGE_VAL);
  CHECK(mdp.start(0) == 0.5);
  CHECK(broken_assumptions(mdp).empty());
}

TEST_CASE("makers of processes: sizes that cannot be are refused") {
  CHECK_SENTENCE("branching = 0, expected 1 to 5, the number of states", garnet_mdp(5, 2, 0));
  CHECK_SENTENCE("states = 0, expected at least 1", chain_mdp(0));
  CHECK_SENTENCE("size = 0, expected 1 to 1000", deep_sea_mdp(0));
  CHECK_SENTENCE("size = 5, expected 4 or 8", frozen_lake_mdp(5));
}

TEST_CASE("dense_mdp: tables of xtensor become a process") {
  xt::xtensor<double, 3> transition = xt::zeros<double>({3, 2, 3});
  xt::xtensor<double, 2> reward = {{0, 1}, {0.5, 0.25}, {2, 0}};
  xt::xtensor<double, 1> start = {0.5, 0.5, 0};
  for (std::size_t s = 0; s < 3; ++s) {
    transition(s, 0, s) = 1;
    transition(s, 1, 0) = 0.75;
    transition(s, 1, 2) = 0.25;
  }
  const auto made = [&] {
    return dense_mdp(tensor_ref<3>(transition), tensor_ref<2>(reward), tensor_ref<1>(start), 0.8,
                     "tables");
  };
  const TabularMdp<> mdp = made();
  CHECK(mdp.name() == "tables");
  CHECK(mdp.states() == 3);
  CHECK(mdp.actions() == 2);
  CHECK(mdp.reward(2) == 0.5);
  CHECK(mdp.end(3) - mdp.begin(3) == 2);
  CHECK(mdp.begin(3)[1].state == 2);
  CHECK(mdp.begin(3)[1].probability == 0.25);
  const auto broken = broken_assumptions(mdp);
  REQUIRE(broken.size() == 2);
  CHECK(broken[0] ==
        "bounded rewards: reward of state 2, action 0 is 2, the theorems assume 0 to 1");
  CHECK(broken[1] ==
        "exploratory start: start probability of state 2 is 0, the theorems assume a "
        "positive one for every state");

  transition(1, 1, 2) = 0.5;
  CHECK_SENTENCE("transition probabilities of state 1, action 1 sum to 1.25, expected 1", made());
  reward = {{0, 1}, {1, 0}};
  CHECK_SENTENCE(
      "transitions have the shape 3 x 2 x 3, expected 2 x 2 x 2 as the rewards are 2 x 2", made());
}

}  // namespace optiform::testing
