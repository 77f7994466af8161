// SPDX-License-Identifier: MIT
// The algorithms that docs/ppo_clip.md shows.
#include <doctest/doctest.h>

#include <optiform/policy/improvements/gradient_step.hpp>
#include <optiform/rules/adam.hpp>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

// [types]
/// One action of every state in the data, each pair counts as one: the setting of theorem 1.
using DrawnClip =
    PolicyOptimizer<Hinge<Ratio, UnitWeight, ConstantMargin, MirrorStep<NegativeEntropy>>,
                    SampledCritic<OneActionPerState>>;

/// All pairs with exact advantages: what neural PPO-Clip would do without errors.
using WholeClip =
    PolicyOptimizer<Hinge<Ratio, AbsoluteAdvantage, ConstantMargin, MirrorStep<NegativeEntropy>>,
                    ExactCritic>;

/// A margin per state that siblings can pay for, gradient steps on the logits (HPO).
using AdaptiveClip = PolicyOptimizer<Hinge<Ratio, UnitWeight, AdaptiveMargin, GradientStep<Adam>>,
                                     SampledCritic<VisitedPairs>>;
// [types]

}  // namespace

TEST_CASE("PPO-Clip: the types of the documentation run and improve") {
  const FiveStates mdp(five_state_mdp());
  context_t<Cpu> context(1);
  const auto falls = [&]<class Algorithm>(Algorithm& algorithm) {
    const double start = algorithm.gap();
    for (int t = 0; t < 200; ++t) algorithm.step();
    CHECK(algorithm.gap() < 0.5 * start);
  };
  using Drawn = DrawnClip::on<SoftmaxTable, FiveStates, Cpu>;
  Drawn drawn(mdp, context, clip_options<Drawn>(0.3, 0.01, 5));
  falls(drawn);
  using Whole = WholeClip::on<SoftmaxTable, FiveStates, Cpu>;
  Whole whole(mdp, context, clip_options<Whole>(0.3, 0.1, 5));
  falls(whole);
  using Adaptive = AdaptiveClip::on<SoftmaxTable, FiveStates, Cpu>;
  Adaptive::Options options;
  options.surrogate.epsilon = 0.1;
  options.improvement.learning_rate = 0.05;
  options.critic.samples = 64;
  Adaptive adaptive(mdp, context, options);
  falls(adaptive);
}
