// SPDX-License-Identifier: MIT
#include "run_method.hpp"

using namespace optiform;

namespace {

template <class Map>
using Mirror = PolicyOptimizer<MirrorDescent<Map>, ExactCritic>;
using SoftNatural = PolicyOptimizer<NaturalPolicyGradient, EntropyRegularisedCritic>;
using Trust = PolicyOptimizer<TrustRegion, ExactCritic>;

void natural(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
             const Report& report) {
  run_method<Mirror<NegativeEntropy>>(
      p, n, at, report, [](auto& o, const Numbers& numbers, const Problem& problem) {
        o.improvement.step = numbers.rate_or(0.1) / (1 - problem.mdp.discount());
      });
}
/// Steps gamma^-k, k = 0, 1, ...
CoefficientSchedule geometric(const Numbers& numbers, const Problem& problem) {
  const double discount = problem.mdp.discount() > 0 ? problem.mdp.discount() : 0.9;
  return CoefficientSchedule::geometric(numbers.rate_or(1) * discount, 1 / discount);
}
template <class Map, class Policy>
void mirror(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
            const Report& report) {
  run_method<Mirror<Map>, Policy>(p, n, at, report,
                                  [](auto& o, const Numbers& numbers, const Problem& problem) {
                                    o.improvement.step = geometric(numbers, problem);
                                  });
}
void soft_natural(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                  const Report& report) {
  run_method<SoftNatural>(
      p, n, at, report, [](auto& o, const Numbers& numbers, const Problem& problem) {
        o.improvement.step = numbers.rate_or(0.1) / (1 - problem.mdp.discount());
        o.critic.temperature = numbers.temperature_or(0.01);
      });
}
void trust_region(const Problem& p, const Numbers& n, const std::vector<std::int64_t>& at,
                  const Report& report) {
  run_method<Trust>(p, n, at, report, [](auto& o, const Numbers& numbers, const Problem&) {
    o.improvement.divergence = numbers.epsilon_or(0.01);
  });
}

}  // namespace

std::vector<Method> mirror_methods() {
  return {
      {"npg", "natural policy gradient, step 0.1 / (1 - discount)", false, natural, nullptr},
      {"pmd", "policy mirror descent, negative entropy, steps discount^-k", false,
       mirror<NegativeEntropy, SoftmaxTable>, nullptr},
      {"pmd-euclidean", "policy mirror descent, squared norm, steps discount^-k", false,
       mirror<Euclidean, DirectTable>, nullptr},
      {"entropy-npg", "natural policy gradient, entropy-regularised", false, soft_natural, nullptr},
      {"trust-region", "natural gradient under a bound on the divergence", false, trust_region,
       nullptr},
  };
}
