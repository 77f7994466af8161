// SPDX-License-Identifier: MIT
#include "run_method.hpp"

using namespace optiform;

namespace {

using Drawn = SampledCritic<VisitedPairs>;

void stochastic(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                const Report& report) {
  run_method<PolicyOptimizer<PolicyGradient<GradientDescent>, Drawn>>(
      p, n, at, report, [](auto& o, const Numbers& numbers, const Problem& problem) {
        o.improvement.learning_rate = numbers.rate_or(policy_gradient_rate(problem.size()));
        o.critic.seed = numbers.seed;
      });
}
const auto ramped = [](auto& o, const Numbers& numbers, const Problem& problem) {
  o.improvement.schedules = accelerated_schedules(
      CoefficientSchedule::ramp(numbers.rate_or(accelerated_rate(problem.size()))));
  o.critic.seed = numbers.seed;
};
void accelerated(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                 const Report& report) {
  run_method<PolicyOptimizer<PolicyGradient<Nesterov>, Drawn, ValueRestart>, SoftmaxTable,
             ValueRestart>(p, n, at, report, ramped);
}
void unrestarted(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                 const Report& report) {
  run_method<PolicyOptimizer<PolicyGradient<Nesterov>, Drawn>>(p, n, at, report, ramped);
}

}  // namespace

std::vector<Method> sampled_methods() {
  return {
      {"spg", "stochastic policy gradient, one drawn pair per iteration", true, stochastic,
       nullptr},
      {"sapg", "stochastic accelerated policy gradient, exact restart test", true, accelerated,
       nullptr},
      {"sapg-free", "the same without restarts", true, unrestarted, nullptr},
  };
}
