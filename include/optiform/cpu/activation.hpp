// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <optiform/core/config.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/cpu/vector_math.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// Calls f(first, last) on pieces of 0..n-1 in parallel. The pieces depend on n only.
template <class Context, class F>
void for_each_piece(Context& context, Index n, Index piece, F&& f) {
  context.parallel((n + piece - 1) / piece,
                   [&](Index task, int) { f(task * piece, std::min(n, (task + 1) * piece)); });
}

/// Elements of one task of an elementwise kernel: 64 KiB of floats.
inline constexpr Index elementwise_piece = 16384;

/// y = Activation(x), a register at a time; y may be x. Activation::value is called with a Pack.
template <class Activation, class Context, class T>
void activation_forward(Context& context, Index n, const T* x, T* y) {
  using P = Pack<T>;
  for_each_piece(context, n, elementwise_piece, [&](Index first, Index last) {
    Index i = first;
    for (; i + P::width <= last; i += P::width) Activation::value(P::load(x + i)).store(y + i);
    if (i < last) Activation::value(P::load(x + i, last - i)).store(y + i, last - i);
  });
}

/// x_gradient = y_gradient Activation'(x); x_gradient may be y_gradient.
template <class Activation, class Context, class T>
void activation_backward(Context& context, Index n, const T* x, const T* y_gradient,
                         T* x_gradient) {
  using P = Pack<T>;
  for_each_piece(context, n, elementwise_piece, [&](Index first, Index last) {
    Index i = first;
    for (; i + P::width <= last; i += P::width) {
      const P slope = Activation::derivative(P::load(x + i));
      (P::load(y_gradient + i) * slope).store(x_gradient + i);
    }
    if (i < last) {
      const P slope = Activation::derivative(P::load(x + i, last - i));
      (P::load(y_gradient + i, last - i) * slope).store(x_gradient + i, last - i);
    }
  });
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
