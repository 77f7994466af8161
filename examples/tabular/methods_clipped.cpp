// SPDX-License-Identifier: MIT
#include "run_method.hpp"

using namespace optiform;

namespace {

/// PPO-Clip on a table: entropic mirror descent on the hinge, margin 0.3, 5 inner steps.
template <class Classifier, class Weight, class Margin>
using Clip = Hinge<Classifier, Weight, Margin, MirrorStep<NegativeEntropy>>;
using OnePair = SampledCritic<OneActionPerState>;

template <class Surrogate, class Critic>
void clip(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
          const Report& report) {
  constexpr bool sampled = std::is_same_v<Critic, OnePair>;
  run_method<PolicyOptimizer<Surrogate, Critic>>(
      p, n, at, report, [](auto& o, const Numbers& numbers, const Problem&) {
        o.surrogate.epsilon = numbers.epsilon_or(Surrogate::margin_per_state ? 0.1 : 0.3);
        o.improvement.step = numbers.rate_or(sampled ? 0.01 : 0.1);
        o.improvement.inner_steps = numbers.inner_steps_or(5);
        if constexpr (sampled) o.critic.seed = numbers.seed;
      });
}
template <class Classifier>
constexpr auto sampled = clip<Clip<Classifier, UnitWeight, ConstantMargin>, OnePair>;
template <class Classifier>
constexpr auto full = clip<Clip<Classifier, AbsoluteAdvantage, ConstantMargin>, ExactCritic>;

}  // namespace

std::vector<Method> clipped_methods() {
  return {
      {"ppo-clip", "tabular PPO-Clip, one drawn action per state", true, sampled<Ratio>, nullptr},
      {"ppo-clip-log", "the same with the classifier log ratio", true, sampled<LogRatio>, nullptr},
      {"ppo-clip-root", "the same with the classifier root ratio - 1", true, sampled<RootRatio>,
       nullptr},
      {"ppo-clip-sub", "the same with the classifier pi - pi_old", true, sampled<Subtraction>,
       nullptr},
      {"ppo-clip-full", "PPO-Clip on all pairs, weight |A|, step 0.1", false, full<Ratio>, nullptr},
      {"ppo-clip-full-root", "the same with the classifier root ratio - 1", false, full<RootRatio>,
       nullptr},
      {"hpo", "PPO-Clip on all pairs with adaptive margins", false,
       clip<Clip<Ratio, AbsoluteAdvantage, AdaptiveMargin>, ExactCritic>, nullptr},
  };
}
