// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <optiform/core/random.hpp>
#include <optiform/environments/tabular/mdp.hpp>

namespace optiform::testing {

using Real = long double;

/// Solves A x = b by elimination with pivots, in place.
inline std::vector<Real> solved(std::vector<std::vector<Real>> a, std::vector<Real> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < n; ++i)
      if (std::fabs(a[i][k]) > std::fabs(a[pivot][k])) pivot = i;
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const Real factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j < n; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = i + 1; j < n; ++j) b[i] -= a[i][j] * b[j];
    b[i] /= a[i][i];
  }
  return b;
}

/// A policy's value, action values, discounted visits and objective, written down once more in long
/// double.
struct ExactEvaluation {
  std::vector<Real> value, action_value, visits;
  Real objective = 0;

  ExactEvaluation(const TabularMdp<>& mdp, const std::vector<Real>& probability) {
    const auto states = static_cast<std::size_t>(mdp.states()),
               actions = static_cast<std::size_t>(mdp.actions());
    std::vector<std::vector<Real>> matrix(states, std::vector<Real>(states, 0)), transposed(matrix);
    std::vector<Real> reward(states, 0), start;
    for (std::size_t s = 0; s < states; ++s) {
      matrix[s][s] = transposed[s][s] = 1;
      start.push_back(mdp.start(static_cast<int>(s)));
    }
    for (std::size_t at = 0; at < states * actions; ++at) {
      const auto pair = static_cast<Index>(at);
      const std::size_t s = at / actions;
      reward[s] += probability[at] * Real(mdp.reward(pair));
      for (const auto* n = mdp.begin(pair); n != mdp.end(pair); ++n) {
        const Real p = Real(mdp.discount()) * probability[at] * Real(n->probability);
        matrix[s][static_cast<std::size_t>(n->state)] -= p;
        transposed[static_cast<std::size_t>(n->state)][s] -= p;
      }
    }
    value = solved(matrix, reward);
    visits = solved(transposed, start);
    for (std::size_t s = 0; s < states; ++s) objective += start[s] * value[s];
    for (Index pair = 0; pair < mdp.pairs(); ++pair) {
      Real later = 0;
      for (const auto* n = mdp.begin(pair); n != mdp.end(pair); ++n)
        later += Real(n->probability) * value[static_cast<std::size_t>(n->state)];
      action_value.push_back(Real(mdp.reward(pair)) + Real(mdp.discount()) * later);
    }
  }
};

/// A random policy that takes every available action now and then, [states, actions].
inline std::vector<double> random_policy(const TabularMdp<>& mdp, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<double> probability;
  for (int s = 0; s < mdp.states(); ++s) {
    const std::size_t first = probability.size();
    double sum = 0;
    for (int a = 0; a < mdp.actions(); ++a) {
      const double weight = rng.uniform(0.1, 1);
      const bool possible = mdp.available(static_cast<Index>(probability.size()));
      probability.push_back(possible ? weight : 0);
      sum += probability.back();
    }
    for (std::size_t i = first; i < probability.size(); ++i) probability[i] /= sum;
  }
  return probability;
}

/// Largest difference of two tables, relative to 1 + the largest entry.
template <class A, class B>
double distance(const A& a, const B& b, std::size_t n) {
  double worst = 0, largest = 1;
  for (std::size_t i = 0; i < n; ++i) {
    worst = std::fmax(worst, std::fabs(static_cast<double>(a[i] - b[i])));
    largest = std::fmax(largest, std::fabs(static_cast<double>(b[i])));
  }
  return worst / largest;
}

}  // namespace optiform::testing
