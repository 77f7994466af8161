// SPDX-License-Identifier: MIT
#include <optiform/policy/asymptotics.hpp>

#include "lockstep.hpp"
#include "run_method.hpp"

using namespace optiform;

namespace {

template <class... Stabilizers>
using Accelerated = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, Stabilizers...>;
using Triple = PolicyOptimizer<PolicyGradient<TripleMomentum>, ExactCritic>;

/// Nesterov's method as it is usually written, extrapolating from two iterates. Late in a run its
/// increments are smaller than what an iterate can resolve; the velocity form keeps them.
struct LiteralNesterov : Rule {
  Row previous = stream("previous");
  Scalar mu = unit("mu", 0.5), gamma = positive("gamma", 1);

  constexpr Row query() const { return x + mu * (x - previous); }
  constexpr void step(Row g) {
    const Row asked = query();
    previous = x;
    x = asked + gamma * g;
  }
};
using Literal = PolicyOptimizer<PolicyGradient<LiteralNesterov>, ExactCritic>;

double limit_of(const Problem& p, const Numbers& n) {
  return n.rate_or(accelerated_rate(p.size()));
}
const auto ramped = [](auto& o, const Numbers& numbers, const Problem& problem) {
  o.improvement.schedules =
      accelerated_schedules(CoefficientSchedule::ramp(limit_of(problem, numbers)));
};

void unrestarted(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                 const Report& report) {
  run_long_method<Accelerated<>>(p, n, at, report, ramped);
}
void literal(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
             const Report& report) {
  run_long_method<Literal>(
      p, n, at, report, [](auto& o, const Numbers& numbers, const Problem& problem) {
        o.improvement.schedules = {{"gamma", CoefficientSchedule::ramp(limit_of(problem, numbers))},
                                   {"mu", CoefficientSchedule::momentum()}};
      });
}
void by_value(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
              const Report& report) {
  run_long_method<Accelerated<ValueRestart>, SoftmaxTable, ValueRestart>(p, n, at, report, ramped);
}
template <class Restart>
void restarted(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
               const Report& report) {
  run_method<Accelerated<Restart>, SoftmaxTable, Restart>(p, n, at, report, ramped);
}
/// Triple momentum of condition number 100: rho = 1 - 1 / sqrt(100), step (1 + rho) / L.
/// Source    Van Scoy, Freeman, Lynch, IEEE L-CSS 2018.
constexpr double rho = 0.9, triple_beta = rho * rho / (2 - rho);
double triple_rate(const Problem& p, const Numbers& n) {
  return n.rate_or((1 + rho) * policy_gradient_rate(p.size()));
}
void triple(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
            const Report& report) {
  run_method<Triple>(p, n, at, report, [](auto& o, const Numbers& numbers, const Problem& problem) {
    o.improvement.learning_rate = triple_rate(problem, numbers);
    o.improvement.schedules = {{"beta", triple_beta}, {"mu", triple_beta / (1 + rho)}, {"nu", 1.0}};
  });
}
void normalised(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                const Report& report) {
  run_method<Accelerated<NormalisedGradient, ValueRestart>, SoftmaxTable, ValueRestart>(
      p, n, at, report, [](auto& o, const Numbers& numbers, const Problem& problem) {
        o.improvement.schedules = accelerated_schedules(
            numbers.rate > 0 ? numbers.rate : normalised_rate(problem.size()));
      });
}
GrowingSteps growth_of(const Problem& p, const Numbers& n) {
  GrowingSteps steps = growing_steps(p.size());
  steps.initial = n.rate_or(steps.initial);
  return steps;
}
void growing(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
             const Report& report) {
  run_method<Accelerated<ClippedSteps, ValueRestart>, SoftmaxTable, ValueRestart>(
      p, n, at, report, [](auto& o, const Numbers& numbers, const Problem& problem) {
        const GrowingSteps steps = growth_of(problem, numbers);
        o.improvement.schedules =
            accelerated_schedules(CoefficientSchedule::geometric(steps.initial, steps.base));
        std::get<ClippedSteps>(o.stabilizers).bound = steps.bound;
      });
}
double accelerated_gap(const Problem& p, const Numbers& n, double t) {
  return asymptotic::accelerated(p.size(), limit_of(p, n)) / (t * t);
}

}  // namespace

std::vector<Method> accelerated_methods() {
  return {
      {"nesterov", "accelerated policy gradient without restarts", false, unrestarted,
       accelerated_gap},
      {"nesterov-literal", "the same extrapolating from two iterates, which rounding spoils", false,
       literal, accelerated_gap},
      {"apg", "accelerated policy gradient, restarted where the value would fall", false, by_value,
       accelerated_gap, lockstep_accelerated},
      {"apg-gap", "the same by the performance difference, for gaps below 1e-12", false,
       restarted<GapRestart>, accelerated_gap},
      {"apg-gradient", "accelerated policy gradient, restarted by the gradient's direction", false,
       restarted<GradientRestart>, accelerated_gap},
      {"apg-adaptive", "accelerated policy gradient, steps that grow exponentially, clipped", false,
       growing,
       [](const Problem& p, const Numbers& n, double t) {
         const GrowingSteps s = growth_of(p, n);
         return asymptotic::growing_accelerated(p.size(), s.initial, s.base, t);
       }},
      {"apg-gnpg", "accelerated policy gradient, normalised", false, normalised, nullptr},
      {"tmm", "policy gradient by triple momentum, coefficients of condition number 100", false,
       triple,
       [](const Problem& p, const Numbers& n, double t) {
         return asymptotic::heavy_ball(p.size(), triple_rate(p, n), triple_beta) / t;
       }},
  };
}
