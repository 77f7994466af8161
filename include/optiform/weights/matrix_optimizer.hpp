// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include <optiform/core/backend.hpp>
#include <optiform/weights/matrix_group.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What optimizers of matrices have in common: their matrices, numbers and clock, and those members
/// of a weight optimizer that follow from them.
///
///   template <class Backend, class T>
///   class on : public MatrixOptimizer<on<Backend, T>, Backend, T, MuonOptions> { ... };
///
/// Contract  Numbers has learning_rate_factor and weight_decay, Derived
///             template <bool Clear>
///             void run(Context&, T* values, Gradients<Clear>* gradients, double gradient_factor,
///                      double rate);
///           which makes step number clock() and, with Clear, the gradients of the matrices zero.
///           Beside it Derived has `planned_bytes` and `streams`. See WeightOptimizer.
/// Errors    a negative rate or decay.
template <class Derived, class Backend, class T, class Numbers>
class MatrixOptimizer {
 public:
  using Context = context_t<Backend>;
  using Options = Numbers;
  /// Others must train what is no matrix: see HybridOptimizer.
  static constexpr bool matrices_only = true;

  static Options defaults() { return {}; }

  /// One step down `gradient_factor * gradients`.
  void step(Context& context, T* values, const T* gradients, double gradient_factor,
            double learning_rate) {
    run<false>(context, values, gradients, gradient_factor, learning_rate);
  }
  /// The same, and the gradients of the matrices are zero afterwards.
  void step_and_clear(Context& context, T* values, T* gradients, double gradient_factor,
                      double learning_rate) {
    run<true>(context, values, gradients, gradient_factor, learning_rate);
  }
  /// Writes the matrices: the values are what there is to show.
  void read_out(Context& context, const T* values, T* out) {
    group_.template copy<Backend>(context, values, out);
  }
  std::int64_t clock() const { return clock_; }
  void set_clock(std::int64_t steps) { clock_ = steps; }

 protected:
  using Matrix = MatrixGroup::Matrix;
  template <bool Clear>
  using Gradients = std::conditional_t<Clear, T, const T>;

  MatrixOptimizer(const char* name, MatrixGroup group, const Options& options)
      : options_(options), group_(std::move(group)) {
    detail::require_number(message(name, ": learning rate factor"), options.learning_rate_factor);
    detail::require_number(message(name, ": weight decay"), options.weight_decay);
  }

  Options options_;
  MatrixGroup group_;

 private:
  template <bool Clear>
  void run(Context& context, T* values, Gradients<Clear>* gradients, double gradient_factor,
           double learning_rate) {
    ++clock_;
    static_cast<Derived&>(*this).template run<Clear>(context, values, gradients, gradient_factor,
                                                     learning_rate * options_.learning_rate_factor);
  }

  std::int64_t clock_ = 0;
};

OPTIFORM_NAMESPACE_END
