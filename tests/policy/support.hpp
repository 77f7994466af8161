// SPDX-License-Identifier: MIT
// The process of five states and five actions in its compiled form, and algorithms on its tables.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include <optiform/cpu/kernels.hpp>
#include <optiform/environments/tabular/evaluation.hpp>
#include <optiform/environments/tabular/paper_mdps.hpp>
#include <optiform/environments/tabular/small_mdp.hpp>
#include <optiform/policy/critics/exact.hpp>
#include <optiform/policy/critics/sampled.hpp>
#include <optiform/policy/improvements/mirror_step.hpp>
#include <optiform/policy/policy_optimizer.hpp>
#include <optiform/policy/surrogates/hinge.hpp>

namespace optiform::testing {

using FiveStates = TabularMdp<5, 5>;
inline const FiveStates& process() {
  static const FiveStates mdp(five_state_mdp());
  return mdp;
}
inline context_t<Cpu>& context() {
  static context_t<Cpu> one(1);
  return one;
}
inline constexpr double five_state_optimum = 9.408398506373334;

template <class Classifier, class Weight = AbsoluteAdvantage, class Margin = ConstantMargin>
using TableHinge = Hinge<Classifier, Weight, Margin, MirrorStep<NegativeEntropy>>;

/// PPO-Clip on a table with exact advantages of every pair.
template <class Surrogate>
using ExactClip =
    typename PolicyOptimizer<Surrogate, ExactCritic>::template on<SoftmaxTable, FiveStates, Cpu>;
/// The same, one action of every state counts in each iteration.
template <class Surrogate>
using SampledClip = typename PolicyOptimizer<
    Surrogate, SampledCritic<OneActionPerState>>::template on<SoftmaxTable, FiveStates, Cpu>;

template <class Algorithm>
typename Algorithm::Options clip_options(double epsilon, double eta, int inner_steps) {
  typename Algorithm::Options options;
  options.surrogate.epsilon = epsilon;
  options.improvement.step = eta;
  options.improvement.inner_steps = inner_steps;
  return options;
}

/// log sum_a exp(x_a).
inline double log_sum(const double* x, int n) {
  double largest = x[0], sum = 0;
  for (int i = 1; i < n; ++i) largest = std::max(largest, x[i]);
  for (int i = 0; i < n; ++i) sum += std::exp(x[i] - largest);
  return largest + std::log(sum);
}

}  // namespace optiform::testing
