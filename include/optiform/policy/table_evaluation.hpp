// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/backend.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/policy/table_batch.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A table of probabilities and the derivative of a surrogate's objective with respect to its
/// parameters.
///
/// See  policy_evaluation, by which an improvement finds the evaluation that fits its policy
template <class Policy, class Backend, class T>
class TableEvaluation {
 public:
  TableEvaluation(const Policy& policy, context_t<Backend>&)
      : policy_(policy), probability_(policy.size()) {}

  /// gradient = d objective / d parameters, after the hooks have added to the derivative. The batch
  /// holds the probabilities at `parameters` if they are `fresh`.
  ///
  /// Shapes    parameters, gradient: [states, actions]
  template <class Surrogate, class Batch, class Hooks>
  OPTIFORM_INLINE void gradient(const Surrogate& surrogate, const Batch& batch, const T* parameters,
                                bool fresh, T* gradient, Hooks& hooks) {
    const T* probability = batch.probability;
    if (!fresh) {
      policy_.probabilities(parameters, probability_.data());
      probability = probability_.data();
    }
    const Index actions = batch.sizes.actions();
    batch.sizes.each_state([&](int s) OPTIFORM_INLINE_LAMBDA {
      T* const row = gradient + s * actions;
      state_gradient(surrogate, batch, s, probability, row);
      const T weight = batch.state_weight[s];
      batch.sizes.each_action([&](int a) OPTIFORM_INLINE_LAMBDA { row[a] *= weight; });
    });
    now_ = probability;
    weight_ = batch.state_weight;
    derivative_ = gradient;
    hooks.loss();
    policy_.pull_back(probability, gradient);
  }

  /// Adds factor sum_s weight(s) entropy(s) to the objective; for hooks of the loss.
  void add_entropy(T factor) {
    using math::log;
    const auto& sizes = policy_.sizes();
    for (int s = 0; s < sizes.states(); ++s)
      for (int a = 0; a < sizes.actions(); ++a) {
        const Index pair = static_cast<Index>(s) * sizes.actions() + a;
        const T p = now_[pair], slope = log(p) + T(1);
        derivative_[pair] -= factor * weight_[s] * select(p > T(0), slope, T(0));
      }
  }

 private:
  const Policy& policy_;
  Buffer<T> probability_;
  const T *now_ = nullptr, *weight_ = nullptr;
  T* derivative_ = nullptr;
};

namespace detail {

template <class Policy, class Backend, class T>
struct policy_evaluation {
  using type = TableEvaluation<Policy, Backend, T>;
};
template <class Policy, class Backend, class T>
  requires requires { typename Policy::Evaluation; }
struct policy_evaluation<Policy, Backend, T> {
  using type = typename Policy::Evaluation;
};

}  // namespace detail

/// How a policy is evaluated and differentiated: by its own `Evaluation` if it has one, as a table
/// otherwise. Every evaluation has
///
///   Evaluation(const Policy&, context_t<Backend>&)
///   void gradient(surrogate, batch or part of it, parameters, fresh, gradient, hooks)
///   void add_entropy(T factor)      inside of hooks.loss()
template <class Policy, class Backend, class T>
using policy_evaluation_t = typename detail::policy_evaluation<Policy, Backend, T>::type;

OPTIFORM_NAMESPACE_END
