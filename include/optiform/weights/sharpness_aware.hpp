// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <utility>

#include <optiform/core/backend.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/rules/program.hpp>
#include <optiform/weights/schedules.hpp>
#include <optiform/weights/tensor_group.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// x' = x + c g, the old x and a gradient of zero. Inputs x, g; outputs x', g', x.
struct PerturbStep {
  static constexpr Graph build() {
    Graph g;
    const short x = g.input(0), gradient = g.input(1);
    g.emit(Sink::store, 0, g.add(x, g.multiply(g.coefficient(0), gradient)), 0);
    g.emit(Sink::store, 1, g.constant(0), 1);
    g.emit(Sink::store, 2, x);
    g.inputs = 2;
    g.stores = 3;
    g.coefficients = 1;
    return g;
  }
};

}  // namespace detail

/// When sharpness is looked for, and how far away.
struct Sharpness {
  double radius = 0.05;  ///< length of the perturbation; 0 switches it off
  Index from = 0;        ///< first update, counted from 0, that is perturbed

  /// Only while the rate of a `wsd` schedule falls ("SAWD").
  static Sharpness in_decay(const Schedule& schedule, double radius = 0.05) {
    if (schedule.decay != Decay::wsd)
      fail("sharpness is looked for in the decay of a schedule that is not wsd");
    return {radius, schedule.decay_from};
  }
};

/// Sharpness-aware minimisation around any optimizer: it steps along the gradient of a point
/// uphill,
///
///   x^ = x + radius g(x) / (||g(x)|| + 1e-12),   x' = step(x, g(x^))
///
/// with one norm over all parameters.
///
///   while (...) {
///     /* gradients at values */
///     if (optimizer.perturbs()) {
///       optimizer.perturb(context, values, gradients);
///       /* gradients at values, of the same data */
///       optimizer.restore(context, values);
///     }
///     optimizer.step(context, values, gradients, factor, rate);
///   }
///
/// Contract  `perturb` leaves gradients of zero; `restore` puts the values back to the bit. With a
///           radius of 0 nothing is kept and nothing costs anything. Where the optimizer keeps the
///           values at a query point, the perturbation starts there.
/// Errors    a radius that is negative or not finite.
/// Source    Foret, Kleiner, Mobahi, Neyshabur, "Sharpness-aware minimization for efficiently
///           improving generalization", ICLR 2021.
template <class Optimizer>
struct SharpnessAware {
  template <class Backend, class T>
  class on {
    using K = kernels<Backend>;
    using Inner = typename Optimizer::template on<Backend, T>;

   public:
    using Context = context_t<Backend>;
    static constexpr bool matrices_only = MatricesOnly<Inner>;
    struct Options {
      typename Inner::Options optimizer = Inner::defaults();
      Sharpness sharpness = {};
    };

    explicit on(const ParameterTable& table, const Options& options = {})
        : sharpness_(options.sharpness), inner_(table, options.optimizer) {
      detail::require_number("radius of the perturbation", sharpness_.radius);
      if (sharpness_.radius > 0) saved_.reset(table.total());
    }

    static Options defaults() { return {}; }

    /// Whether some update will want a second gradient.
    static bool perturbs(const Options& options) { return options.sharpness.radius > 0; }

    /// Bytes of the optimizer's memory and of the saved values.
    static Index planned_bytes(const ParameterTable& table, const Options& options, int threads) {
      const Index saved = perturbs(options) ? table.total() : 0;
      return Inner::planned_bytes(table, options.optimizer, threads) +
             saved * static_cast<Index>(sizeof(T));
    }

    /// Whether the next step wants the gradient of a perturbed point.
    bool perturbs() const { return sharpness_.radius > 0 && clock() >= sharpness_.from; }

    /// Moves the values uphill along the gradients, which become zero.
    void perturb(Context& context, T* values, T* gradients) {
      const double norm = math::sqrt(K::sum_of_squares(context, saved_.size(), gradients));
      constexpr Index piece = TensorGroup::piece_size;
      K::template run_rows_batch<Forward<detail::PerturbStep>>(
          context, (saved_.size() + piece - 1) / piece, [&](Index i) {
            const Index at = i * piece;
            RowArguments<T> a;
            a.rows = 1;
            a.length = saved_.size() - at < piece ? saved_.size() - at : piece;
            a.input[0] = a.output[0] = values + at;
            a.input[1] = a.output[1] = gradients + at;
            a.output[2] = saved_.data() + at;
            a.coefficient[0] = wide_t<T>(sharpness_.radius / (norm + 1e-12));
            return a;
          });
    }
    /// Puts the values back.
    void restore(Context& context, T* values) {
      K::copy(context, saved_.size(), saved_.data(), values);
    }

    void step(Context& context, T* values, const T* gradients, double gradient_factor,
              double learning_rate) {
      inner_.step(context, values, gradients, gradient_factor, learning_rate);
    }
    void step_and_clear(Context& context, T* values, T* gradients, double gradient_factor,
                        double learning_rate) {
      inner_.step_and_clear(context, values, gradients, gradient_factor, learning_rate);
    }
    void read_out(Context& context, const T* values, T* out) {
      inner_.read_out(context, values, out);
    }
    auto streams() { return inner_.streams(); }
    std::int64_t clock() const { return inner_.clock(); }
    void set_clock(std::int64_t steps) { inner_.set_clock(steps); }

   private:
    Sharpness sharpness_;
    Inner inner_;
    Buffer<T> saved_;
  };
};

OPTIFORM_NAMESPACE_END
