// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <optiform/core/backend.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/rules/program.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// a' = a + c (x - a): input and output 0 are a, input 1 is x.
struct AverageStep {
  static constexpr Graph build() {
    Graph g;
    const short a = g.input(0), x = g.input(1);
    g.emit(Sink::store, 0, g.add(a, g.multiply(g.coefficient(0), g.subtract(x, a))), 0);
    g.inputs = 2;
    g.stores = g.coefficients = 1;
    return g;
  }
};

}  // namespace detail

/// An exponential moving average of a model's weights: smoother than the last iterate.
///
///   after update t = 1, 2, ...:   a' = d a + (1 - d) x,  d = min(decay, (1 + t) / (10 + t))
///
/// The growing decay lets the average forget where training started.
///
/// Contract  one pass over memory per update; the same bits for any number of threads; what to save
///           is `data` alone, since t is the optimizer's clock.
/// Errors    a decay outside [0, 1): Error.
/// Source    Polyak, Juditsky, SIAM J. Control Optim. 30(4), 1992; the warm-up is TensorFlow's.
template <class Backend, class T>
class WeightAverage {
 public:
  explicit WeightAverage(double decay) : decay_(decay) {
    if (!(decay >= 0 && decay < 1))
      fail("decay of the weight average is ", decay, "; expected 0 (no average) to below 1");
  }

  /// Starts at the given weights.
  void start(context_t<Backend>& context, const Buffer<T>& values) {
    average_.reset(values.size());
    kernels<Backend>::copy(context, values.size(), values.data(), average_.data());
  }

  /// Takes in the weights after update number `clock`.
  void update(context_t<Backend>& context, const T* values, std::int64_t clock) {
    constexpr Index piece = 16384;
    const double t = static_cast<double>(clock), decay = std::min(decay_, (1 + t) / (10 + t));
    kernels<Backend>::template run_rows_batch<Forward<detail::AverageStep>>(
        context, (average_.size() + piece - 1) / piece, [&](Index i) {
          RowArguments<T> a;
          a.rows = 1;
          a.length = std::min(piece, average_.size() - i * piece);
          a.input[0] = a.output[0] = average_.data() + i * piece;
          a.input[1] = values + i * piece;
          a.coefficient[0] = wide_t<T>(1 - decay);
          return a;
        });
  }

  T* data() { return average_.data(); }
  Index size() const { return average_.size(); }

 private:
  double decay_;
  Buffer<T> average_;
};

OPTIFORM_NAMESPACE_END
