// SPDX-License-Identifier: MIT
#include <vector>

#include <doctest/doctest.h>

#include <optiform/core/dual.hpp>
#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/environments/control/cart_pole.hpp>
#include <optiform/policy/improvements/gradient_step.hpp>
#include <optiform/policy/policies/network_policy.hpp>
#include <optiform/policy/rollout_batch.hpp>
#include <optiform/policy/surrogates/hinge.hpp>
#include <optiform/policy/surrogates/policy_gradient.hpp>

#include "../support/gradient_check.hpp"
#include "../support/random_data.hpp"
#include "rollout_environments.hpp"

namespace optiform::testing {

namespace {

struct NoHooks {
  void loss() {}
};
/// Adds an entropy bonus as a stabilizer would.
template <class Evaluation, class T>
struct Bonus {
  Evaluation& evaluation;
  T factor;
  void loss() { evaluation.add_entropy(factor); }
};

/// A batch of made-up rows: old probabilities near the present ones, advantages of both signs.
template <class Policy, class T>
struct Rows {
  using Number = typename Policy::ActionNumber;
  std::vector<T> observation, old, advantage, parameters;
  std::vector<Number> action;
  RolloutPart<T, Number> part;

  template <class Evaluation>
  Rows(Index rows, Index observation_size, Policy& policy, Evaluation& evaluation) {
    Rng rng(11);
    observation = normal<T>(rng, rows * observation_size);
    parameters.assign(static_cast<std::size_t>(Policy::size()), T(0));
    policy.initialise(parameters.data());
    for (T& p : parameters) p += static_cast<T>(0.1 * rng.normal());
    advantage = normal<T>(rng, rows);
    action.resize(static_cast<std::size_t>(rows * Policy::ActionSpace::columns));
    evaluation.forward(parameters.data(), rows, observation.data());
    for (Index r = 0; r < rows; ++r)
      old.push_back(evaluation.sample(r, rng, action.data() + r * Policy::ActionSpace::columns) +
                    static_cast<T>(0.3 * rng.normal()));
    part = {rows, observation.data(), action.data(), old.data(), advantage.data(), nullptr};
  }
};

template <class Environment, class Backend, class Surrogate>
double surrogate_error(const Surrogate& surrogate, double entropy) {
  using Policy = typename NetworkPolicy<9, 7>::template on<Environment, Backend, double>;
  context_t<Backend> context(1);
  Policy policy(Environment{}, {.seed = 3, .last_gain = 1, .log_deviation = -0.5});
  typename Policy::Evaluation evaluation(policy, context);
  Rows<Policy, double> rows(33, Environment::observation_size, policy, evaluation);
  std::vector<double> gradient(rows.parameters.size(), 0.0);
  Bonus<decltype(evaluation), double> hooks{evaluation, entropy};
  evaluation.gradient(surrogate, rows.part, rows.parameters.data(), false, gradient.data(), hooks);
  return check_gradients(
             [&] {
               const double value =
                   evaluation.objective(surrogate, rows.part, rows.parameters.data());
               return value + entropy * evaluation.entropy();
             },
             {{"parameters", rows.parameters.data(), gradient.data(), Policy::size()}},
             {.step = 1e-4, .coordinates = 400})
      .error;
}

}  // namespace

TEST_CASE_TEMPLATE("NetworkPolicy: gradients of surrogates are central differences", Backend,
                   Reference, Cpu) {
  CHECK(surrogate_error<CartPole, Backend>(PolicyGradient<Adam>{}, 0) < 1e-6);
  CHECK(surrogate_error<CartPole, Backend>(Hinge<Ratio>{}, 0) < 1e-6);
  CHECK(surrogate_error<CartPole, Backend>(Hinge<LogRatio>{}, 0.1) < 1e-6);
  CHECK(surrogate_error<Countdown, Backend>(Hinge<RootRatio>{}, 0.1) < 1e-6);
  CHECK(surrogate_error<Countdown, Backend>(Hinge<Subtraction>{}, 0) < 1e-6);
  CHECK(surrogate_error<Echo, Backend>(PolicyGradient<Adam>{}, 0.1) < 1e-6);
  CHECK(surrogate_error<Echo, Backend>(Hinge<Ratio>{}, 0) < 1e-6);
}

TEST_CASE("NetworkPolicy: dual numbers give the derivative along a direction") {
  using Number = Dual<double>;
  using Environment = CartPole;
  using Policy = NetworkPolicy<6>::on<Environment, Reference, Number>;
  context_t<Reference> context;
  Policy policy(Environment{}, {.seed = 3, .last_gain = 1});
  Policy::Evaluation evaluation(policy, context);
  Rows<Policy, Number> rows(17, 4, policy, evaluation);
  std::vector<Number> gradient(rows.parameters.size());
  NoHooks hooks;
  const PolicyGradient<Adam> surrogate;
  evaluation.gradient(surrogate, rows.part, rows.parameters.data(), false, gradient.data(), hooks);
  Rng rng(6);
  double along = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    rows.parameters[i].derivative = rng.normal();
    along += gradient[i].value * rows.parameters[i].derivative;
  }
  const Number value = evaluation.objective(surrogate, rows.part, rows.parameters.data());
  CHECK(value.derivative == doctest::Approx(along).epsilon(1e-10));
}

TEST_CASE("NetworkPolicy: at the old policy every classifier has the policy gradient's direction") {
  using Policy = NetworkPolicy<8>::on<CartPole, Cpu, double>;
  context_t<Cpu> context(1);
  Policy policy(CartPole{}, {.last_gain = 1});
  Policy::Evaluation evaluation(policy, context);
  Rows<Policy, double> rows(40, 4, policy, evaluation);
  evaluation.forward(rows.parameters.data(), 40, rows.observation.data());
  for (Index r = 0; r < 40; ++r)
    rows.old[static_cast<std::size_t>(r)] = evaluation.log_probability(r, rows.part.action + r);
  const auto gradient_of = [&](const auto& surrogate) {
    std::vector<double> gradient(rows.parameters.size(), 0.0);
    NoHooks hooks;
    evaluation.gradient(surrogate, rows.part, rows.parameters.data(), true, gradient.data(), hooks);
    return gradient;
  };
  const auto plain = gradient_of(PolicyGradient<Adam>{});
  const auto check_multiple = [&](const std::vector<double>& other, double factor) {
    for (std::size_t i = 0; i < plain.size(); ++i)
      CHECK(other[i] == doctest::Approx(factor * plain[i]).epsilon(1e-10));
  };
  check_multiple(gradient_of(Hinge<Ratio>{}), 1);
  check_multiple(gradient_of(Hinge<LogRatio>{}), 1);
  check_multiple(gradient_of(Hinge<RootRatio>{}), 0.5);
  check_multiple(gradient_of(Hinge<SquareRatio>{}), 2);
}

}  // namespace optiform::testing
