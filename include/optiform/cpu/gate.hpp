// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <optiform/core/config.hpp>
#include <optiform/cpu/activation.hpp>
#include <optiform/cpu/each_register.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/cpu/vector_math.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// gated = Activation(a) b, one pass; see ReferenceGate.
template <class Activation, class Context, class T>
void gate_forward(Context& context, Index rows, Index hidden, const T* preactivation, T* gated) {
  using P = Pack<T>;
  const Index piece = std::max<Index>(1, elementwise_piece / hidden);
  for_each_piece(context, rows, piece, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const T *a = preactivation + 2 * r * hidden, *b = a + hidden;
      T* out = gated + r * hidden;
      each_register<P>(hidden, [&](Index i, auto load, auto store) OPTIFORM_INLINE_LAMBDA {
        store(Activation::value(load(a + i)) * load(b + i), out + i);
      });
    }
  });
}

/// The derivative and the gated product again, one pass; see ReferenceGate.
template <class Activation, class Context, class T>
void gate_backward(Context& context, Index rows, Index hidden, const T* preactivation, T* gated,
                   T* preactivation_gradient) {
  using P = Pack<T>;
  const Index piece = std::max<Index>(1, elementwise_piece / hidden);
  for_each_piece(context, rows, piece, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const T *a = preactivation + 2 * r * hidden, *b = a + hidden;
      T *a_gradient = preactivation_gradient + 2 * r * hidden, *b_gradient = a_gradient + hidden;
      T* inout = gated + r * hidden;
      each_register<P>(hidden, [&](Index i, auto load, auto store) OPTIFORM_INLINE_LAMBDA {
        const P x = load(a + i), y = load(b + i), gradient = load(inout + i);
        const P value = Activation::value(x);
        store(value * y, inout + i);
        store(gradient * y * Activation::derivative(x), a_gradient + i);
        store(gradient * value, b_gradient + i);
      });
    }
  });
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
