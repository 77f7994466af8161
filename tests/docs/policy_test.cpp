// SPDX-License-Identifier: MIT
// The first program of docs/policy.md, compiled and run.
#include <cstdio>

#include <optiform/tabular.hpp>

#define main first_program
// [first]
#include <cstdio>
#include <optiform/tabular.hpp>
using namespace optiform;

// Nesterov's rule, which also makes layers and trains weights, climbs the exact policy gradient.
using Apg = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, ValueRestart>;

int main() {
  MdpBuilder corridor(3, 2, 0.9);  // states, actions, discount
  for (int s = 0; s < 3; ++s) {
    corridor.transition(s, 0, s > 0 ? s - 1 : 0, 1);  // left
    corridor.transition(s, 1, s < 2 ? s + 1 : 2, 1);  // right
  }
  corridor.reward(0, 0, 0.1);
  corridor.reward(2, 1, 1);
  const TabularMdp<3, 2> mdp(corridor.build());

  context_t<Cpu> context(1);
  Apg::on<SoftmaxTable, TabularMdp<3, 2>, Cpu> apg(mdp, context, {.improvement = apg_options(mdp)});
  while (apg.gap() > 0.01) apg.step();
  std::printf("%d iterations\n", static_cast<int>(apg.iteration()));
  return apg.iteration() < 20000 ? 0 : 1;
}
// [first]
#undef main
#include <doctest/doctest.h>

TEST_CASE("the first program of the page on policies approaches the best policy") {
  CHECK(first_program() == 0);
}
