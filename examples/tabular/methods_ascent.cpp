// SPDX-License-Identifier: MIT
#include <optiform/policy/asymptotics.hpp>

#include "lockstep.hpp"
#include "run_method.hpp"

using namespace optiform;

namespace {

using Plain = PolicyOptimizer<PolicyGradient<GradientDescent>, ExactCritic>;
using Polyak = PolicyOptimizer<PolicyGradient<HeavyBall>, ExactCritic>;
using Normalised =
    PolicyOptimizer<PolicyGradient<GradientDescent>, ExactCritic, NormalisedGradient>;
using ByAdam = PolicyOptimizer<PolicyGradient<Adam>, ExactCritic>;
using Regularised = PolicyOptimizer<PolicyGradient<GradientDescent>, EntropyRegularisedCritic>;

double rate_of(const Problem& p, const Numbers& n) {
  return n.rate_or(policy_gradient_rate(p.size()));
}

void policy_gradient(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                     const Report& report) {
  run_long_method<Plain>(p, n, at, report,
                         [](auto& o, const Numbers& numbers, const Problem& problem) {
                           o.improvement.learning_rate = rate_of(problem, numbers);
                         });
}
void projected_gradient(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                        const Report& report) {
  run_method<Plain, DirectTable>(
      p, n, at, report, [](auto& o, const Numbers& numbers, const Problem& problem) {
        const ProblemSize size = problem.size();
        const double h = 1 - size.discount;
        // 1 / L of the direct parametrisation: Agarwal et al. 2021, lemma 54.
        o.improvement.learning_rate = numbers.rate_or(
            size.discount > 0 ? h * h * h / (2 * size.discount * size.actions) : 1.0);
      });
}
void heavy_ball(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                const Report& report) {
  run_long_method<Polyak>(p, n, at, report,
                          [](auto& o, const Numbers& numbers, const Problem& problem) {
                            o.improvement = heavy_ball_options(problem.mdp);
                            o.improvement.learning_rate = rate_of(problem, numbers);
                          });
}
void normalised(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                const Report& report) {
  run_method<Normalised>(p, n, at, report,
                         [](auto& o, const Numbers& numbers, const Problem& problem) {
                           o.improvement.learning_rate =
                               numbers.rate > 0 ? numbers.rate : normalised_rate(problem.size());
                         });
}
void adam(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
          const Report& report) {
  run_method<ByAdam>(p, n, at, report, [](auto& o, const Numbers& numbers, const Problem&) {
    o.improvement.learning_rate = numbers.rate_or(0.01);
    o.improvement.schedules.set("beta2", 0.999);
  });
}
void regularised(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                 const Report& report) {
  run_method<Regularised>(p, n, at, report,
                          [](auto& o, const Numbers& numbers, const Problem& problem) {
                            o.improvement.learning_rate = rate_of(problem, numbers);
                            o.critic.temperature = numbers.temperature_or(0.01);
                          });
}

}  // namespace

std::vector<Method> ascent_methods() {
  return {
      {"pg", "policy gradient", false, policy_gradient,
       [](const Problem& p, const Numbers& n, double t) {
         return asymptotic::policy_gradient(p.size(), rate_of(p, n)) / t;
       },
       lockstep_policy_gradient},
      {"heavy-ball", "policy gradient with Polyak's momentum 1/2", false, heavy_ball,
       [](const Problem& p, const Numbers& n, double t) {
         return asymptotic::heavy_ball(p.size(), rate_of(p, n), 0.5) / t;
       },
       lockstep_heavy_ball},
      {"gnpg", "policy gradient, normalised", false, normalised, nullptr},
      {"adam", "policy gradient by Adam", false, adam, nullptr},
      {"entropy-pg", "policy gradient, entropy-regularised", false, regularised, nullptr},
      {"projected-pg", "policy gradient on the probabilities themselves, projected", false,
       projected_gradient, nullptr},
  };
}
