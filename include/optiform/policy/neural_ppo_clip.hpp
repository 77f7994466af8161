// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/policy/critics/neural_td.hpp>
#include <optiform/policy/improvements/regression_step.hpp>
#include <optiform/policy/policies/energy_network.hpp>
#include <optiform/policy/policy_optimizer.hpp>
#include <optiform/policy/surrogates/hinge.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// The difference of probabilities is weighted without the old probability; else the weight of an
/// action that has become rare vanishes with it.
template <class Classifier>
struct neural_weight {
  using type = AbsoluteAdvantage;
};
template <>
struct neural_weight<Subtraction> {
  using type = WithoutProbability<AbsoluteAdvantage>;
};

}  // namespace detail

/// Neural PPO-Clip: the hinge's mirror ascent on the table, regressed on an energy network.
///
///   using Neural = NeuralPpoClip<Ratio>::on<EnergyNetwork<256>, TabularMdp<5, 5>, Cpu>;
///   Neural::Options options;
///   options.surrogate.epsilon = 0.3;
///   options.improvement = RegressionStep<>::Options::theory(20, 0.5, 5);
///   Neural algorithm(mdp, context, options);
///
/// Limits    with ExactCritic there is no evaluation error. Without a regression error either it
///           would be Hinge<Ratio, AbsoluteAdvantage, ConstantMargin, MirrorStep<NegativeEntropy>>
///           on a SoftmaxTable: pi' ~ pi exp(eta n A), n the inner steps that were not clipped.
/// Source    Huang, Hsieh, Ho, Wu, "PPO-Clip attains global optimality", AAAI 2024, algorithm 1,
///           corollaries 1 and 2.
template <class Classifier = Ratio, class Critic = NeuralTdCritic>
using NeuralPpoClip =
    PolicyOptimizer<Hinge<Classifier, typename detail::neural_weight<Classifier>::type,
                          ConstantMargin, RegressionStep<>>,
                    Critic>;

OPTIFORM_NAMESPACE_END
