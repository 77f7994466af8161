// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/backend.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/policy/concepts.hpp>
#include <optiform/policy/table_sizes.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// pi(a | s) proportional to exp(theta(s, a)), one logit per pair; -infinity forbids an action.
///
/// Shapes    parameters, probability, gradient: [states, actions].
struct SoftmaxTable {
  using policy_concept = policy_tag;
  static constexpr bool is_table = true;

  template <class Environment, class Backend, class T>
  class on {
   public:
    using Sizes = detail::TableSizes<Environment>;
    explicit on(const Environment& environment) : sizes_(environment) {}

    const Sizes& sizes() const { return sizes_; }
    Index size() const { return static_cast<Index>(sizes_.states()) * sizes_.actions(); }

    OPTIFORM_INLINE void probabilities(const T* theta, T* probability) const {
      using math::exp;
      sizes_.each_state([&](int s) OPTIFORM_INLINE_LAMBDA {
        const T* const row = theta + static_cast<Index>(s) * sizes_.actions();
        T* const out = probability + static_cast<Index>(s) * sizes_.actions();
        T largest = row[0];
        sizes_.each_action([&](int a) OPTIFORM_INLINE_LAMBDA {
          largest = select(row[a] > largest, row[a], largest);
        });
        sizes_.each_action([&](int a) OPTIFORM_INLINE_LAMBDA { out[a] = row[a] - largest; });
      });
      kernels<Backend>::exp_in_place(size(), probability);
      sizes_.each_state([&](int s) OPTIFORM_INLINE_LAMBDA {
        T* const out = probability + static_cast<Index>(s) * sizes_.actions();
        T sum(0);
        sizes_.each_action([&](int a) OPTIFORM_INLINE_LAMBDA { sum += out[a]; });
        const T scale = T(1) / sum;
        sizes_.each_action([&](int a) OPTIFORM_INLINE_LAMBDA { out[a] *= scale; });
      });
    }

    /// Turns the derivative with respect to the probabilities into that with respect to the logits:
    /// g(s, a) <- pi(a | s) (g(s, a) - sum_b pi(b | s) g(s, b)).
    OPTIFORM_INLINE void pull_back(const T* probability, T* gradient) const {
      sizes_.each_state([&](int s) OPTIFORM_INLINE_LAMBDA {
        const T* const p = probability + static_cast<Index>(s) * sizes_.actions();
        T* const g = gradient + static_cast<Index>(s) * sizes_.actions();
        T mean(0);
        sizes_.each_action([&](int a) OPTIFORM_INLINE_LAMBDA { mean += p[a] * g[a]; });
        sizes_.each_action([&](int a) OPTIFORM_INLINE_LAMBDA { g[a] = p[a] * (g[a] - mean); });
      });
    }

    /// Parameters of lane i from logits, [states, actions].
    void from_logits(const double* logits, int i, T* theta) const {
      for (Index pair = 0; pair < size(); ++pair)
        lane(theta[pair], i) = static_cast<lane_number<T>>(logits[pair]);
    }
    /// Every logit is admissible.
    void project(T*) const {}

   private:
    [[no_unique_address]] Sizes sizes_;
  };
};

OPTIFORM_NAMESPACE_END
