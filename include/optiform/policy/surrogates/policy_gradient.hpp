// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/policy/concepts.hpp>
#include <optiform/policy/improvements/gradient_step.hpp>
#include <optiform/policy/improvements/mirror_step.hpp>
#include <optiform/policy/improvements/trust_region_step.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The expected advantage E[ratio A], improved by `Step`. Its derivative at ratio 1 is the policy
/// gradient theorem's: sum_s d(s) sum_a pi(a | s) A(s, a) grad log pi(a | s) / (1 - gamma).
///
/// Source    Sutton, McAllester, Singh, Mansour, "Policy gradient methods for reinforcement
/// learning
///           with function approximation", NeurIPS 1999.
template <class Step>
struct ExpectedAdvantage {
  using surrogate_concept = surrogate_tag;
  using Improvement = Step;

  template <class T>
  T value(const ActionPoint<T>& p) const {
    return p.ratio * p.advantage;
  }
  template <class T>
  T derivative(const ActionPoint<T>& p) const {
    return p.advantage;
  }
};

/// Ascent along the policy gradient by any update rule: `PolicyGradient<Nesterov>` is accelerated
/// policy gradient, `PolicyGradient<GradientDescent>` plain policy gradient.
///
/// Source    Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024.
template <class R>
using PolicyGradient = ExpectedAdvantage<GradientStep<R>>;

/// Policy mirror descent: pi' = argmax_p eta <Q(s, .), p> - D(p, pi(. | s)) in every state.
/// With the negative entropy this is the natural policy gradient of a softmax table.
///
/// Source    Kakade, "A natural policy gradient", NeurIPS 2001; Xiao, "On the convergence rates of
///           policy gradient methods", JMLR 2022.
template <class Map>
using MirrorDescent = ExpectedAdvantage<MirrorStep<Map>>;
using NaturalPolicyGradient = MirrorDescent<NegativeEntropy>;

/// The natural gradient with the longest step that a bound on the mean divergence allows.
///
/// Source    Schulman, Levine, Abbeel, Jordan, Moritz, "Trust region policy optimization", ICML
/// 2015.
using TrustRegion = ExpectedAdvantage<TrustRegionStep>;

OPTIFORM_NAMESPACE_END
