// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/policy/concepts.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Adds a multiple of the policy's entropy to what is increased, so that it keeps trying: the mean
/// over a rollout's rows, or over a table's states by their weights.
///
/// Limits    changes the objective of one step, not the rewards; EntropyRegularisedCritic does.
/// Source    Williams and Peng, "Function optimization using connectionist reinforcement
///           learning algorithms", 1991; Mnih et al., ICML 2016.
struct EntropyBonus {
  using stabilizer_concept = stabilizer_tag;
  static constexpr unsigned needs = nothing;

  double coefficient = 0.01;

  template <class State>
  void loss(State& state) {
    using T = typename State::Scalar;
    state.improvement().evaluation().add_entropy(T(coefficient));
  }
};

OPTIFORM_NAMESPACE_END
