// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/core/epilogue.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/parameters.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How a matrix starts that writes to the residual stream: at N(0, 0.02^2 / (2 layers)), so that
/// the stream of a deep network does not grow, or at zero, so that a layer starts as the identity.
///
/// Source    Radford et al., GPT-2, section 2.3.
inline Initialisation output_start(Index layers, bool zero_start) {
  const double deviation = 0.02 / math::sqrt(2 * static_cast<double>(layers));
  return zero_start ? Initialisation::value(0) : Initialisation::normal(deviation);
}

/// A learned matrix and, with Biases, a vector: y = w x + b for every row x.
///
/// Shapes    w [Out, In], b [Out]; x [rows, In], y [rows, Out], all dense.
/// Contract  an object holds offsets into the flat parameter vector, nothing else.
template <class Backend, class T, Index Out, Index In, bool Biases>
class Projection {
  using K = kernels<Backend>;

 public:
  using Context = context_t<Backend>;

  /// Adds `<name>.weight` and, with Biases, `<name>.bias`, which starts at zero.
  static Projection declare(ParameterTable& table, const std::string& name, Initialisation start) {
    Projection p;
    p.weight_ = table.add(name + ".weight", Role::matrix, {Out, In}, start);
    if (Biases) p.bias_ = table.add(name + ".bias", Role::norm, {Out}, Initialisation::value(0));
    return p;
  }

  /// y = w x + b, through further epilogues.
  template <class... After>
  void forward(Context& context, Index rows, const T* parameters, const T* x, T* y,
               After... after) const {
    const auto product = [&](const auto& finish) {
      K::gemm(context, Transpose::no, Transpose::yes, rows, Out, In, T(1), x, In,
              parameters + weight_, In, T(0), y, Out, finish);
    };
    if constexpr (Biases)
      product(epilogue(AddBias<T>{parameters + bias_}, after...));
    else if constexpr (sizeof...(After) > 0)
      product(epilogue(after...));
    else
      product(NoEpilogue{});
  }

  /// x_gradient = epilogue(w^T y_gradient).
  template <class Epilogue = NoEpilogue>
  void backward(Context& context, Index rows, const T* parameters, const T* y_gradient,
                T* x_gradient, const Epilogue& finish = {}) const {
    K::gemm(context, Transpose::no, Transpose::no, rows, In, Out, T(1), y_gradient, Out,
            parameters + weight_, In, T(0), x_gradient, In, finish);
  }

  /// gradients += d/d w, d/d b.
  void accumulate(Context& context, Index rows, const T* y_gradient, const T* x,
                  T* gradients) const {
    K::gemm(context, Transpose::yes, Transpose::no, Out, In, rows, T(1), y_gradient, Out, x, In,
            T(1), gradients + weight_, In);
    if constexpr (Biases) K::column_sums(context, rows, Out, y_gradient, gradients + bias_);
  }

  /// Changes w and b so that y becomes factor y.
  void scale(T factor, T* parameters) const {
    for (Index i = 0; i < Out * In; ++i) parameters[weight_ + i] *= factor;
    if constexpr (Biases)
      for (Index i = 0; i < Out; ++i) parameters[bias_ + i] *= factor;
  }

 private:
  Index weight_ = 0, bias_ = 0;
};

OPTIFORM_NAMESPACE_END
