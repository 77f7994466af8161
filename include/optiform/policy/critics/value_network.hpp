// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <optiform/core/backend.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/policy/improvements/rule_ascent.hpp>
#include <optiform/policy/networks/dense_network.hpp>
#include <optiform/policy/random_streams.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A small network for the value of an observation, trained by an update rule on
///
///   1/2 mean (V(observation) - target)^2
///
/// Source    orthogonal start, gain 1 of the last layer: Huang et al., "The 37 implementation
///           details of proximal policy optimization", 2022, detail 2.
template <class R, class Activation, int... Hidden>
struct ValueNetwork {
  using Rule = R;

  struct Options {
    double learning_rate = 1e-3;
    CoefficientSchedules schedules =
        {};               ///< of the rule's coefficients; others have their usual values
    int epochs = 1;       ///< passes over one rollout
    int minibatches = 1;  ///< steps of one pass
  };

  template <int ObservationSize, class Backend, class T>
  class on {
   public:
    using Network = DenseNetwork<Activation, ObservationSize, Hidden..., 1>;

    on(context_t<Backend>& context, const Options& options, std::uint64_t seed)
        : ascent_(context, Network::size, options.learning_rate, options.schedules),
          network_(context),
          epochs_(options.epochs),
          minibatches_(options.minibatches) {
      if (epochs_ < 1) fail("epochs of the value = ", epochs_, ", expected at least 1");
      if (minibatches_ < 1)
        fail("minibatches of the value = ", minibatches_, ", expected at least 1");
      Rng rng(seed, stream_number(RandomStream::value_weights));
      Network::initialise(rng, 1, ascent_.parameters());
      ascent_.begin();
    }

    /// value = [rows], at the iterate.
    void evaluate(Index rows, const T* observation, T* value) {
      const T* const output = network_.forward(ascent_.parameters(), rows, observation);
      for (Index r = 0; r < rows; ++r) value[r] = output[r];
    }

    template <class Batch>
    void learn(Batch& batch) {
      for (int epoch = 0; epoch < epochs_; ++epoch) {
        batch.divide(minibatches_);
        for (int m = 0; m < minibatches_; ++m) step(batch.part(m));
      }
    }

    RuleAscent<R, Backend, T>& ascent() { return ascent_; }

   private:
    template <class Part>
    void step(const Part& part) {
      ascent_.tick();
      const T* const output = network_.forward(ascent_.point(), part.rows, part.observation);
      if (error_.size() < part.rows) error_.reset(part.rows);
      const T share = T(1) / static_cast<T>(part.rows);
      for (Index r = 0; r < part.rows; ++r) error_[r] = (part.target[r] - output[r]) * share;
      network_.backward(ascent_.point(), error_.data(), ascent_.gradient());
      ascent_.advance();
    }

    RuleAscent<R, Backend, T> ascent_;
    typename Network::template on<Backend, T> network_;
    int epochs_, minibatches_;
    Buffer<T> error_;
  };
};

/// A value of zero everywhere: what is left of an advantage estimate is the return.
struct NoValue {
  struct Options {};

  template <int ObservationSize, class Backend, class T>
  class on {
   public:
    on(context_t<Backend>&, const Options&, std::uint64_t) {}
    void evaluate(Index rows, const T*, T* value) {
      for (Index r = 0; r < rows; ++r) value[r] = T(0);
    }
    template <class Batch>
    void learn(Batch&) {}
  };
};

OPTIFORM_NAMESPACE_END
