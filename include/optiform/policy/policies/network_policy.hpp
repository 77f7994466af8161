// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <optiform/core/backend.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/policy/concepts.hpp>
#include <optiform/policy/distributions/categorical.hpp>
#include <optiform/policy/distributions/diagonal_gaussian.hpp>
#include <optiform/policy/networks/dense_network.hpp>
#include <optiform/policy/random_streams.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A small network from the observation to a distribution of actions: categorical where the
/// environment's actions are discrete, a diagonal Gaussian where they are continuous.
///
/// Shapes    parameters: the network's, then those that do not depend on the observation.
/// Source    orthogonal start, the last layer 100 times smaller: Huang et al., "The 37
///           implementation details of proximal policy optimization", 2022, detail 2.
template <class Activation, int... Hidden>
struct BasicNetworkPolicy {
  using policy_concept = policy_tag;
  static constexpr bool is_table = false;

  struct Options {
    std::uint64_t seed = 1;
    double last_gain = 0.01;   ///< of the last layer's weights: actions start almost alike
    double log_deviation = 0;  ///< where a Gaussian's deviations start
  };

  template <class Environment, class Backend, class T>
  class on {
   public:
    using ActionSpace = typename Environment::ActionSpace;
    using ActionNumber = typename ActionSpace::template Number<T>;
    using Distribution = typename distribution_of<ActionSpace>::type;
    using Network =
        DenseNetwork<Activation, Environment::observation_size, Hidden..., Distribution::outputs>;

    explicit on(const Environment&, Options options = {}) : options_(options) {}

    static constexpr Index size() { return Network::size + Distribution::shared_parameters; }

    void initialise(T* parameters) const {
      Rng rng(options_.seed, stream_number(RandomStream::policy_weights));
      Network::initialise(rng, options_.last_gain, parameters);
      Distribution::initialise(parameters + Network::size, options_.log_deviation);
    }

    /// The policy on a batch of observations, and the derivative of a surrogate's objective with
    /// respect to its parameters.
    class Evaluation {
     public:
      Evaluation(const on&, context_t<Backend>& context) : network_(context) {}

      /// Shapes    observation [rows, observation size]
      void forward(const T* parameters, Index rows, const T* observation) {
        reserve(rows);
        rows_ = rows;
        shared_ = parameters + Network::size;
        const T* const output = network_.forward(parameters, rows, observation);
        for (Index i = 0; i < rows * outputs; ++i) row_[i] = output[i];
        for (Index r = 0; r < rows; ++r) Distribution::prepare(row(r));
      }
      /// Draws an action for a row and returns the logarithm of its probability.
      T sample(Index r, Rng& rng, ActionNumber* action) const {
        Distribution::sample(rng, row(r), shared_, action);
        return log_probability(r, action);
      }
      T log_probability(Index r, const ActionNumber* action) const {
        return Distribution::log_probability(row(r), shared_, action);
      }
      /// Mean over the rows.
      T entropy() const {
        T sum(0);
        for (Index r = 0; r < rows_; ++r) sum += Distribution::entropy(row(r), shared_);
        return sum / static_cast<T>(rows_);
      }

      /// gradient = d objective / d parameters, after the hooks have added to the objective.
      template <class Surrogate, class Part, class Hooks>
      void gradient(const Surrogate& surrogate, const Part& part, const T* parameters, bool,
                    T* gradient, Hooks& hooks) {
        forward(parameters, part.rows, part.observation);
        shared_gradient_ = gradient + Network::size;
        for (int i = 0; i < Distribution::shared_parameters; ++i) shared_gradient_[i] = T(0);
        for (Index i = 0; i < rows_ * outputs; ++i) row_gradient_[i] = T(0);
        const T share = T(1) / static_cast<T>(rows_);
        for (Index r = 0; r < rows_; ++r) {
          const ActionNumber* const action = part.action + r * ActionSpace::columns;
          const ActionPoint<T> point = action_point(surrogate, part, r);
          const T factor = share * surrogate.derivative(point) * point.ratio;
          Distribution::add_log_probability(factor, row(r), shared_, action,
                                            row_gradient_.data() + r * outputs, shared_gradient_);
        }
        hooks.loss();
        network_.backward(parameters, row_gradient_.data(), gradient);
      }
      /// Adds factor times the mean entropy to the objective; for hooks of the loss.
      void add_entropy(T factor) {
        const T share = factor / static_cast<T>(rows_);
        for (Index r = 0; r < rows_; ++r)
          Distribution::add_entropy(share, row(r), shared_, row_gradient_.data() + r * outputs,
                                    shared_gradient_);
      }

      /// The surrogate's objective, hooks left out.
      template <class Surrogate, class Part>
      T objective(const Surrogate& surrogate, const Part& part, const T* parameters) {
        forward(parameters, part.rows, part.observation);
        T sum(0);
        for (Index r = 0; r < rows_; ++r) sum += surrogate.value(action_point(surrogate, part, r));
        return sum / static_cast<T>(rows_);
      }

     private:
      static constexpr Index outputs = Distribution::outputs;

      T* row(Index r) { return row_.data() + r * outputs; }
      const T* row(Index r) const { return row_.data() + r * outputs; }

      template <class Surrogate, class Part>
      ActionPoint<T> action_point(const Surrogate& surrogate, const Part& part, Index r) const {
        using math::exp;
        const T now = log_probability(r, part.action + r * ActionSpace::columns);
        const T old = part.old_log_probability[r];
        T margin(0);
        if constexpr (requires { Surrogate::margin_per_state; }) {
          static_assert(!Surrogate::margin_per_state,
                        "optiform: NetworkPolicy - a margin per state needs the advantages of all "
                        "its actions, and a rollout knows one; use ConstantMargin");
          margin = surrogate.margin(T(0), T(0), T(1));
        }
        return {exp(now - old), exp(old), part.advantage[r], margin};
      }
      void reserve(Index rows) {
        if (rows * outputs <= row_.size()) return;
        row_.reset(rows * outputs);
        row_gradient_.reset(rows * outputs);
      }

      typename Network::template on<Backend, T> network_;
      Index rows_ = 0;
      const T* shared_ = nullptr;
      T* shared_gradient_ = nullptr;
      Buffer<T> row_, row_gradient_;
    };

   private:
    Options options_;
  };
};

/// Hidden layers with tanh between them: `NetworkPolicy<64, 64>`.
template <int... Hidden>
using NetworkPolicy = BasicNetworkPolicy<Tanh, Hidden...>;

OPTIFORM_NAMESPACE_END
