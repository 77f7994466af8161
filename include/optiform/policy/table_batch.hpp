// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/lanes.hpp>
#include <optiform/policy/concepts.hpp>
#include <optiform/policy/table_sizes.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What a critic says about every pair of a finite process. The objective of a surrogate f is
///
///   sum_s state_weight(s) sum_a pi_old(a | s) importance(s, a) f(s, a)
///
/// Shapes    probability (pi_old), advantage, importance [states, actions]; state_weight [states].
/// Contract  importance is null where every pair counts as its probability says, 1; a sampled pair
/// has
///           1 / pi_old times the times it was drawn, a pair that was not 0.
template <class T, class Sizes>
struct TableBatch {
  [[no_unique_address]] Sizes sizes;
  const T* probability = nullptr;
  T* advantage = nullptr;
  const T* state_weight = nullptr;
  const T* importance = nullptr;
};

namespace detail {

/// The margin of a hinge in the state whose pairs start at `first`; 0 for other surrogates.
template <class Surrogate, class T, class Sizes>
OPTIFORM_INLINE T state_margin(const Surrogate& surrogate, const TableBatch<T, Sizes>& batch,
                               Index first) {
  if constexpr (requires { Surrogate::margin_per_state; }) {
    T rising(0), falling(0), smallest(1);
    if constexpr (Surrogate::margin_per_state)
      batch.sizes.each_action([&](int a) OPTIFORM_INLINE_LAMBDA {
        const T old = batch.probability[first + a], advantage = batch.advantage[first + a];
        rising += select(advantage > T(0), old, T(0));
        falling += select(advantage < T(0), old, T(0));
        // An action that is not available has probability 0 and no say.
        smallest = select(old > T(0), select(old < smallest, old, smallest), smallest);
      });
    return surrogate.margin(rising, falling, smallest);
  } else {
    return T(0);
  }
}

}  // namespace detail

/// The derivative of a surrogate's objective in one state with respect to the probabilities at
/// `probability`, without the state's weight.
///
/// Shapes    gradient = [actions]
template <class Surrogate, class T, class Sizes>
OPTIFORM_INLINE void state_gradient(const Surrogate& surrogate, const TableBatch<T, Sizes>& batch,
                                    int state, const T* probability, T* gradient) {
  const Index first = static_cast<Index>(state) * batch.sizes.actions();
  const T* const old = batch.probability + first;
  const T margin = detail::state_margin(surrogate, batch, first);
  const bool same = probability == batch.probability;
  batch.sizes.each_action([&](int a) OPTIFORM_INLINE_LAMBDA {
    const T ratio = same ? T(1) : select(old[a] > T(0), probability[first + a] / old[a], T(1));
    const ActionPoint<T> point{ratio, old[a], batch.advantage[first + a], margin};
    T derivative = surrogate.derivative(point);
    if (batch.importance != nullptr) derivative *= batch.importance[first + a];
    gradient[a] = derivative;
  });
}

/// The objective of a surrogate at `probability`.
template <class Surrogate, class T, class Sizes>
T surrogate_value(const Surrogate& surrogate, const TableBatch<T, Sizes>& batch,
                  const T* probability) {
  T total(0);
  for (int s = 0; s < batch.sizes.states(); ++s) {
    const Index first = static_cast<Index>(s) * batch.sizes.actions();
    const T margin = detail::state_margin(surrogate, batch, first);
    for (Index pair = first; pair < first + batch.sizes.actions(); ++pair) {
      const T old = batch.probability[pair];
      const ActionPoint<T> point{probability[pair] / old, old, batch.advantage[pair], margin};
      const T counted = batch.importance == nullptr ? old : old * batch.importance[pair];
      total +=
          select(counted > T(0), batch.state_weight[s] * counted * surrogate.value(point), T(0));
    }
  }
  return total;
}

OPTIFORM_NAMESPACE_END
