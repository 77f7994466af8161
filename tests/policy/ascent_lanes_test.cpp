// SPDX-License-Identifier: MIT
// One optimizer per lane of a register: each goes the way it would go alone.
#include <doctest/doctest.h>

#include <optiform/cpu/pack.hpp>

#include "../support/random_data.hpp"
#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("every lane follows the trajectory of a run of its own, and restarts on its own") {
  using Lanes = Pack<double>;
  constexpr int lanes = Lanes::width;
  Run<Accelerated, 5, 5, SoftmaxTable, Cpu, Lanes> together(mdp, {.improvement = apg_options(mdp)});
  Run<Accelerated, 5, 5> alone(mdp, {.improvement = apg_options(mdp)});
  const auto start = [](int lane) {
    if (lane == 0) return std::vector<double>(25, 0);
    if (lane == 1) return hard_start;
    Rng rng(5, static_cast<std::uint64_t>(lane));
    return normal(rng, 25, 1.5);
  };
  for (int i = 0; i < lanes; ++i) together.on.start_from(start(i).data(), i);
  together.until(10000);
  const Lanes objective = together.objective();
  std::int64_t restarts = 0;
  for (int i = 0; i < lanes; ++i) {
    CAPTURE(i);
    const auto before = alone.on.stabilizer<ValueRestart>().restarts();
    alone.on.start_from(start(i).data());
    alone.until(10000);
    const auto mine = alone.on.stabilizer<ValueRestart>().restarts() - before;
    CHECK(together.on.stabilizer<ValueRestart>().restarts(i) == mine);
    if (i < 2) CHECK(mine == i);  // none from the uniform start, one from the hard one
    restarts += mine;
    // The exponential and the order of sums are those of one lane; rounding may differ by fused
    // multiplications, which ten thousand steps enlarge a little.
    CHECK(relative(lane(objective, i), alone.objective()) < 1e-12);
    for (int pair = 0; pair < 25; ++pair)
      CHECK(std::fabs(lane(together.on.parameters()[pair], i) - alone.on.parameters()[pair]) <
            1e-9);
  }
  CHECK(together.on.stabilizer<ValueRestart>().restarts() == restarts);
}
