// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/environments/tabular/mdp.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What `value_iteration` found.
struct OptimalValue {
  std::vector<double> value;        ///< [states]
  std::vector<double> probability;  ///< [states, actions], a deterministic policy
  double bound = 0;                 ///< no entry of value is farther from V* than this
  int sweeps = 0;
};

/// When `value_iteration` ends.
struct ValueIterationOptions {
  double tolerance = 1e-10;  ///< of the value, relative to 1 + its largest entry
  int sweeps = 1'000'000;    ///< at most
};

/// The optimal value by value iteration, V'(s) = max_a r(s, a) + gamma sum P(s' | s, a) V(s').
///
/// With d = V' - V, the optimum lies between V' + gamma / (1 - gamma) min d and the same with
/// max d. The middle is returned, which is far closer than V' where all values grow alike.
///
/// Contract  `sweeps` running out is no error: `bound` says what was reached. Rounding limits it to
///           about 1e-16 max |V| / (1 - gamma).
/// Source    Puterman, "Markov decision processes", 1994, sections 6.3 and 6.6 (the bounds are
///           MacQueen's).
inline OptimalValue value_iteration(const TabularMdp<>& mdp, ValueIterationOptions options = {}) {
  const double gamma = mdp.discount();
  OptimalValue best;
  best.value.assign(static_cast<std::size_t>(mdp.states()), 0);
  best.probability.assign(static_cast<std::size_t>(mdp.pairs()), 0);
  std::vector<double> next(best.value.size());
  std::vector<Index> choice(best.value.size());
  double narrowest = __builtin_inf();
  for (int without_progress = 0;;) {
    double least = __builtin_inf(), most = -__builtin_inf(), largest = 0;
    for (std::size_t s = 0; s < next.size(); ++s) {
      const Index first = static_cast<Index>(s) * mdp.actions();
      next[s] = -__builtin_inf();
      for (Index pair = first; pair < first + mdp.actions(); ++pair) {
        if (!mdp.available(pair)) continue;
        double later = 0;
        for (const auto* n = mdp.begin(pair); n != mdp.end(pair); ++n)
          later += n->probability * best.value[static_cast<std::size_t>(n->state)];
        const double value = mdp.reward(pair) + gamma * later;
        if (value > next[s]) {
          next[s] = value;
          choice[s] = pair;
        }
      }
      const double change = next[s] - best.value[s];
      least = change < least ? change : least;
      most = change > most ? change : most;
      largest = math::abs(next[s]) > largest ? math::abs(next[s]) : largest;
    }
    best.value.swap(next);
    ++best.sweeps;
    const double scale = gamma / (1 - gamma), width = scale * (most - least) / 2;
    // Rounding alone keeps the width from falling on.
    without_progress = width < narrowest ? 0 : without_progress + 1;
    narrowest = width < narrowest ? width : narrowest;
    if (width <= options.tolerance * (1 + largest) || without_progress == 100 ||
        best.sweeps >= options.sweeps) {
      for (double& value : best.value) value += scale * (least + most) / 2;
      best.bound = width;
      break;
    }
  }
  for (const Index pair : choice) best.probability[static_cast<std::size_t>(pair)] = 1;
  return best;
}

namespace detail {

/// A policy for policy iteration to start from. Value iteration settles in many cheap sweeps what
/// would take a solve per step of the longest detour.
template <class T>
void first_policy(const TabularMdp<>& model, T* probability) {
  const auto found = value_iteration(model, {.tolerance = 1e-6, .sweeps = 1000});
  for (const double p : found.probability) *probability++ = T(p);
}
/// The first available action of every state, in every lane.
template <class Model, class T>
void first_policy(const Model& model, T* probability) {
  const Index states = model.states(), actions = model.actions();
  for (Index s = 0; s < states; ++s) {
    T taken(0);
    for (Index pair = s * actions; pair < (s + 1) * actions; ++pair) {
      probability[pair] = select(model.available(pair), T(1) - taken, T(0));
      taken += probability[pair];
    }
  }
}

}  // namespace detail

/// An optimal policy by policy iteration, in every lane at once: leaves `evaluator` at the optimum.
///
/// Shapes    probability = [states, actions], a deterministic policy.
/// Contract  an action changes only where another is better by more than the evaluator's precision,
///           so that ties end the iteration.
/// Source    Howard, "Dynamic programming and Markov processes", 1960.
template <class Evaluator, class T>
void policy_iteration(Evaluator& evaluator, T* probability) {
  const auto& model = evaluator.model();
  const Index states = model.states(), actions = model.actions();
  detail::first_policy(model, probability);
  for (int round = 0; round < 1000; ++round) {
    evaluator.begin(probability);
    evaluator.complete(probability);
    bool changed = false;
    for (Index s = 0; s < states; ++s) {
      using math::abs;
      const T margin = T(evaluator.precision()) * (T(1) + abs(evaluator.value()[s]));
      T best = margin;
      for (Index pair = s * actions; pair < (s + 1) * actions; ++pair) {
        const T advantage = evaluator.advantage()[pair];
        best = select(model.available(pair), select(advantage > best, advantage, best), best);
      }
      const auto better = best > margin;
      if (!any(better)) continue;
      changed = true;
      T taken(0);
      for (Index pair = s * actions; pair < (s + 1) * actions; ++pair) {
        const T chosen =
            select(model.available(pair),
                   select(evaluator.advantage()[pair] == best, T(1) - taken, T(0)), T(0));
        taken += chosen;
        probability[pair] = select(better, chosen, probability[pair]);
      }
    }
    if (!changed) return;
  }
  fail("policy iteration did not end within 1000 rounds");
}

OPTIFORM_NAMESPACE_END
