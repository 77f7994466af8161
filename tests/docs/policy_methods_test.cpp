// SPDX-License-Identifier: MIT
// The methods that docs/policy.md lists.
#include <doctest/doctest.h>

#include <optiform/tabular.hpp>

using namespace optiform;

namespace {

// [methods]
using Pg = PolicyOptimizer<PolicyGradient<GradientDescent>, ExactCritic>;
using Apg = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, ValueRestart>;
using Npg = PolicyOptimizer<NaturalPolicyGradient, ExactCritic>;
using SampledApg = PolicyOptimizer<PolicyGradient<Nesterov>, SampledCritic<VisitedPairs>>;
// [methods]

using Model = TabularMdp<3, 2>;

TabularMdp<> corridor() {
  MdpBuilder b(3, 2, 0.9);
  for (int s = 0; s < 3; ++s) {
    b.transition(s, 0, s > 0 ? s - 1 : 0, 1);
    b.transition(s, 1, s < 2 ? s + 1 : 2, 1);
  }
  b.reward(0, 0, 0.1);
  b.reward(2, 1, 1);
  return b.build();
}

template <class Optimizer>
double gap_of(typename Optimizer::template on<SoftmaxTable, Model, Cpu>::Options options) {
  const Model mdp(corridor());
  context_t<Cpu> context(1);
  typename Optimizer::template on<SoftmaxTable, Model, Cpu> optimizer(mdp, context,
                                                                      std::move(options));
  while (optimizer.iteration() < 4000) optimizer.step();
  return optimizer.gap();
}

}  // namespace

TEST_CASE("the methods of the page on policies rank as it says") {
  const Model mdp(corridor());
  const double pg = gap_of<Pg>({.improvement = policy_gradient_options(mdp)});
  const double apg = gap_of<Apg>({.improvement = apg_options(mdp)});
  const double npg = gap_of<Npg>({.improvement = {.step = 1}});
  const double sampled = gap_of<SampledApg>({.improvement = apg_options(mdp)});
  CHECK(apg < 0.1 * pg);
  CHECK(npg < 1e-6 * apg);
  CHECK(sampled < pg);
}
