// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/policy/concepts.hpp>
#include <optiform/policy/table_sizes.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The point of the probability simplex that is nearest to p, in place.
///
/// Source    Held, Wolfe, Crowder 1974; Duchi, Shalev-Shwartz, Singer, Chandra, "Efficient
///           projections onto the l1-ball", ICML 2008, figure 1.
template <class Number>
void project_on_simplex(Index n, Number* p, Number* workspace) {
  std::copy(p, p + n, workspace);
  std::sort(workspace, workspace + n, [](Number a, Number b) { return a > b; });
  Number sum(0), threshold(0);
  for (Index i = 0; i < n; ++i) {
    sum += workspace[i];
    const Number candidate = (sum - Number(1)) / static_cast<Number>(i + 1);
    if (!(workspace[i] > candidate)) break;
    threshold = candidate;
  }
  for (Index i = 0; i < n; ++i) p[i] = p[i] > threshold ? p[i] - threshold : Number(0);
}

/// pi(a | s) = p(s, a) itself: parameters are probabilities and are projected back on the simplex.
///
/// Shapes    parameters, probability, gradient: [states, actions].
/// Limits    a rule that looks ahead would ask outside the simplex; it is refused.
struct DirectTable {
  using policy_concept = policy_tag;
  static constexpr bool is_table = true;
  static constexpr bool on_simplex = true;

  template <class Environment, class Backend, class T>
  class on {
   public:
    using Sizes = detail::TableSizes<Environment>;
    explicit on(const Environment& environment)
        : sizes_(environment),
          available_(static_cast<std::size_t>(size() * lane_count<T>)),
          row_(static_cast<std::size_t>(sizes_.actions())),
          sorted_(row_) {
      for (Index pair = 0; pair < size(); ++pair) {
        const auto available = environment.available(pair);
        for (int i = 0; i < lane_count<T>; ++i)
          available_[static_cast<std::size_t>(pair * lane_count<T> + i)] = holds(available, i);
      }
    }

    const Sizes& sizes() const { return sizes_; }
    Index size() const { return static_cast<Index>(sizes_.states()) * sizes_.actions(); }

    void probabilities(const T* parameters, T* probability) const {
      std::copy(parameters, parameters + size(), probability);
    }
    /// The derivative with respect to the probabilities is already that of the parameters.
    void pull_back(const T*, T*) const {}

    /// Parameters of lane i from logits, [states, actions].
    void from_logits(const double* logits, int i, T* parameters) const {
      using math::exp;
      const int actions = sizes_.actions();
      for (int s = 0; s < sizes_.states(); ++s) {
        const double* const row = logits + static_cast<Index>(s) * actions;
        const double largest = *std::max_element(row, row + actions);
        double sum = 0;
        for (int a = 0; a < actions; ++a) sum += exp(row[a] - largest);
        for (int a = 0; a < actions; ++a)
          lane(parameters[static_cast<Index>(s) * actions + a], i) =
              static_cast<lane_number<T>>(exp(row[a] - largest) / sum);
      }
    }
    void project(T* parameters) {
      const int actions = sizes_.actions();
      for (int s = 0; s < sizes_.states(); ++s)
        for (int i = 0; i < lane_count<T>; ++i) {
          const Index first = static_cast<Index>(s) * actions;
          for (int a = 0; a < actions; ++a)
            row_[static_cast<std::size_t>(a)] =
                available_[static_cast<std::size_t>((first + a) * lane_count<T> + i)]
                    ? lane(parameters[first + a], i)
                    : lowest;
          project_on_simplex<lane_number<T>>(actions, row_.data(), sorted_.data());
          for (int a = 0; a < actions; ++a)
            lane(parameters[first + a], i) = row_[static_cast<std::size_t>(a)];
        }
    }

   private:
    static constexpr auto lowest = static_cast<lane_number<T>>(-1e300);

    [[no_unique_address]] Sizes sizes_;
    std::vector<bool> available_;
    std::vector<lane_number<T>> row_, sorted_;
  };
};

OPTIFORM_NAMESPACE_END
