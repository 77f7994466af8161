// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include <optiform/core/error.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/policy/concepts.hpp>
#include <optiform/policy/networks/two_layer_relu.hpp>
#include <optiform/policy/policies/softmax_table.hpp>
#include <optiform/policy/table_sizes.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// pi(a | s) proportional to exp(f(s, a) / tau), the energy f a two-layer network of the pair's
/// features.
///
/// Shapes    parameters: the network's weights, then 1 / tau, which is 0 at the start;
///           energies, logits, probability [states, actions].
/// Contract  starts uniform over the available actions, whatever the network: 1 / tau = 0.
///           It shows a table of probabilities to critics, but its parameters are no table, so that
///           it is improved by RegressionStep alone.
/// Errors    Error for start logits that differ within a state.
/// Source    Huang, Hsieh, Ho, Wu, "PPO-Clip attains global optimality", AAAI 2024, section 2.
template <int Width = 256, class Features = PairIndicators>
struct EnergyNetwork {
  static_assert(Width > 0, "optiform: EnergyNetwork - give a positive width");

  using policy_concept = policy_tag;
  static constexpr bool is_table = false;

  template <class Environment, class Backend, class T>
  class on {
   public:
    using Sizes = detail::TableSizes<Environment>;
    /// Where a step on probabilities finds its image of this policy.
    using Table = typename SoftmaxTable::template on<Environment, Backend, T>;

    explicit on(const Environment& environment)
        : table_(environment),
          features_(FeatureTable<T>::template of<Features>(table_.sizes().states(),
                                                           table_.sizes().actions())),
          network_(features_.inputs(), Width),
          available_(static_cast<std::size_t>(table_.size())) {
      for (Index pair = 0; pair < table_.size(); ++pair)
        available_[static_cast<std::size_t>(pair)] = environment.available(pair) ? 1 : 0;
    }

    const Sizes& sizes() const { return table_.sizes(); }
    /// Room for the parameters, and never less than critics need for a table of pairs.
    Index size() const { return std::max(network_.parameters() + 1, table_.size()); }
    Table& table() { return table_; }
    TwoLayerRelu<T>& network() { return network_; }
    const TwoLayerRelu<T>& network() const { return network_; }
    const FeatureTable<T>& features() const { return features_; }
    bool available(Index pair) const { return available_[static_cast<std::size_t>(pair)] != 0; }

    T& inverse_temperature(T* parameters) const { return parameters[network_.parameters()]; }
    T inverse_temperature(const T* parameters) const { return parameters[network_.parameters()]; }

    void energies(const T* parameters, T* energy) const {
      for (Index pair = 0; pair < table_.size(); ++pair)
        energy[pair] = network_.value(parameters, features_.row(pair));
    }
    /// f / tau; -infinity where an action is not available.
    void logits(const T* parameters, T* logit) const {
      energies(parameters, logit);
      const T inverse = inverse_temperature(parameters);
      for (Index pair = 0; pair < table_.size(); ++pair)
        logit[pair] = available(pair) ? inverse * logit[pair] : never;
    }
    void probabilities(const T* parameters, T* probability) const {
      logits(parameters, probability);
      table_.probabilities(probability, probability);
    }

    void from_logits(const double* start, int, T* parameters) const {
      const int actions = sizes().actions();
      for (int s = 0; s < sizes().states(); ++s) {
        const double* const row = start + static_cast<Index>(s) * actions;
        double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
        for (int a = 0; a < actions; ++a) {
          if (!available(static_cast<Index>(s) * actions + a)) continue;
          lowest = std::min(lowest, row[a]);
          highest = std::max(highest, row[a]);
        }
        if (!(lowest == highest))
          fail("the start logits of state ", s, " lie between ", lowest, " and ", highest,
               ", expected equal ones: an energy network starts uniform");
      }
      std::copy(network_.initial(), network_.initial() + network_.parameters(), parameters);
      inverse_temperature(parameters) = T(0);
    }

    template <class U>
    void pull_back(const U*, U*) const {
      static_assert(!std::is_same_v<U, U>,
                    "optiform: EnergyNetwork - no gradient step moves it; name a surrogate that "
                    "is improved by RegressionStep, such as NeuralPpoClip");
    }

   private:
    static constexpr T never = -std::numeric_limits<T>::infinity();

    Table table_;
    FeatureTable<T> features_;
    TwoLayerRelu<T> network_;
    std::vector<char> available_;
  };
};

OPTIFORM_NAMESPACE_END
