// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <optiform/core/error.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/policy/networks/two_layer_relu.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How a network is fitted to samples.
struct DescentOptions {
  std::int64_t samples = 4096;  ///< T_upd: steps, each on one sample
  double step_scale = 1;        ///< the step is step_scale / sqrt(samples)
  double radius = 100;          ///< of the ball around the initial weights; infinity: no projection
  bool averaged = true;         ///< the mean of the iterates, or else the last one
  bool from_initial = true;     ///< start at the initial weights, or else at the last result
};

/// Stochastic descent on a two-layer network, projected on a ball, with averaged iterates:
///
///   a <- Proj(a - eta residual df/da),  |a - a(0)| <= R;   result: (a_0 + ... + a_(n-1)) / n
///
/// Contract  a step costs what the features' nonzero entries cost; only a step that leaves the
///           ball costs a pass over all weights. To that end the mean is kept as the sum of
///           changes, each with the share of the iterates that come after it.
/// Errors    Error for options that are not positive.
/// Source    Huang, Hsieh, Ho, Wu, "PPO-Clip attains global optimality", AAAI 2024, algorithms 5
///           and 6.
template <class T>
class AveragedDescent {
 public:
  AveragedDescent(Index parameters, DescentOptions options)
      : options_(options), iterate_(parameters), average_(parameters) {
    if (options.samples < 1) fail("samples = ", options.samples, ", expected at least 1");
    if (!(options.step_scale > 0))
      fail("step scale = ", options.step_scale, ", expected a positive number");
    if (!(options.radius > 0)) fail("radius = ", options.radius, ", expected a positive number");
  }

  const DescentOptions& options() const { return options_; }
  std::int64_t samples() const { return options_.samples; }
  double step_size() const {
    return options_.step_scale / math::sqrt(static_cast<double>(options_.samples));
  }

  /// To be called before `samples()` steps; `from` is the last result.
  void begin(const TwoLayerRelu<T>& network, const T* from) {
    const T* const start = options_.from_initial ? network.initial() : from;
    taken_ = projections_ = 0;
    for (Index i = 0; i < iterate_.size(); ++i) iterate_[i] = average_[i] = start[i];
    squared_distance_ = measure(network);
    if (squared_distance_ > squared_radius()) project(network, T(1));
  }

  /// One step with the derivative of (f(x) - target)^2 / 2, residual = f(x) - target.
  void step(const TwoLayerRelu<T>& network, FeatureRow<T> x, T residual) {
    ++taken_;
    const T share = static_cast<T>(static_cast<double>(options_.samples - taken_) /
                                   static_cast<double>(options_.samples));
    constexpr Index block = TwoLayerRelu<T>::block;
    T farther[block]{};
    network.each_derivative(iterate_.data(), x, static_cast<T>(-step_size()) * residual,
                            [&](Index column, const T* change) {
                              T* const OPTIFORM_RESTRICT iterate = iterate_.data() + column;
                              T* const OPTIFORM_RESTRICT average = average_.data() + column;
                              const T* const centre = network.initial() + column;
                              for (Index i = 0; i < block; ++i) {
                                const T away = iterate[i] - centre[i];
                                farther[i] += change[i] * (T(2) * away + change[i]);
                                iterate[i] += change[i];
                                average[i] += share * change[i];
                              }
                            });
    for (const T part : farther) squared_distance_ += part;
    if (squared_distance_ > squared_radius()) {
      // The running sum has rounded; a projection starts it afresh.
      squared_distance_ = measure(network);
      if (squared_distance_ > squared_radius()) project(network, share);
    }
  }

  const T* iterate() const { return iterate_.data(); }
  /// What `begin` and `samples()` steps have found.
  const T* result() const { return options_.averaged ? average_.data() : iterate_.data(); }
  /// Of the last iterate from the initial weights.
  T distance(const TwoLayerRelu<T>& network) const { return math::sqrt(measure(network)); }
  std::int64_t projections() const { return projections_; }

 private:
  T squared_radius() const { return static_cast<T>(options_.radius * options_.radius); }
  T measure(const TwoLayerRelu<T>& network) const {
    T sum(0);
    for (Index i = 0; i < iterate_.size(); ++i) {
      const T away = iterate_[i] - network.initial()[i];
      sum += away * away;
    }
    return sum;
  }
  void project(const TwoLayerRelu<T>& network, T share) {
    ++projections_;
    const T factor = math::sqrt(squared_radius() / squared_distance_);
    for (Index i = 0; i < iterate_.size(); ++i) {
      const T nearer = network.initial()[i] + factor * (iterate_[i] - network.initial()[i]);
      average_[i] += share * (nearer - iterate_[i]);
      iterate_[i] = nearer;
    }
    squared_distance_ = squared_radius();
  }

  DescentOptions options_;
  std::int64_t taken_ = 0, projections_ = 0;
  T squared_distance_{};
  Buffer<T> iterate_, average_;
};

OPTIFORM_NAMESPACE_END
