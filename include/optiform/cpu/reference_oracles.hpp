// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/rules/norm.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The specification of HeadTransform: plain loops over any scalar.
template <class T>
struct ReferenceHeads {
  /// q := rotate(q / sqrt(mean(q^2) + 1e-5)) for every head of queries and keys; the reciprocal
  /// roots are kept for backward.
  ///
  /// Shapes    qkv [batch, length, heads + 2 kv_heads, head_dim]; scale = [batch, length, heads +
  ///           kv_heads], written where t.normalise.
  static void forward(const AttentionProblem& p, const HeadTransform<T>& t, T* qkv, T* scale) {
    using std::sqrt;
    each_head(p, t, [&](Index head, Index at, const T* rotation) {
      T* x = qkv + at;
      if (t.normalise) {
        T sum(0);
        for (Index i = 0; i < p.head_dim; ++i) sum += x[i] * x[i];
        scale[head] = T(1) / sqrt(sum / T(p.head_dim) + T(norm_epsilon));
        for (Index i = 0; i < p.head_dim; ++i) x[i] *= scale[head];
      }
      rotate(t, rotation, T(1), x);
    });
  }

  /// The gradient of what went in, in place of that of what came out.
  ///
  /// A rotation keeps scalar products, so the norm's derivative needs its result z only:
  ///   dx = scale rotate_back(dz - z mean(z dz))
  ///
  /// Shapes    qkv: the result of forward; qkv_gradient: like it. Values are left alone.
  static void backward(const AttentionProblem& p, const HeadTransform<T>& t, const T* qkv,
                       const T* scale, T* qkv_gradient) {
    each_head(p, t, [&](Index head, Index at, const T* rotation) {
      const T* z = qkv + at;
      T* x = qkv_gradient + at;
      if (t.normalise) {
        T product(0);
        for (Index i = 0; i < p.head_dim; ++i) product += z[i] * x[i];
        const T mean = product / T(p.head_dim);
        for (Index i = 0; i < p.head_dim; ++i) x[i] = scale[head] * (x[i] - z[i] * mean);
      }
      rotate(t, rotation, T(-1), x);
    });
  }

 private:
  /// Calls f(number of the head among those that turn, its offset, its position's cosines).
  template <class F>
  static void each_head(const AttentionProblem& p, const HeadTransform<T>& t, F&& f) {
    const Index turning = p.heads + p.key_heads();
    for (Index b = 0; b < p.batch; ++b) {
      for (Index i = 0; i < p.length; ++i) {
        const Index row = b * p.length + i, position = (t.past != nullptr ? t.past[b] : 0) + i;
        for (Index h = 0; h < turning; ++h)
          f(row * turning + h, p.query_at(b, i, h),
            t.pairs > 0 ? t.rotation + position * 2 * t.pairs : nullptr);
      }
    }
  }

  /// Turns the pairs of one head, forward (1) or back (-1).
  static void rotate(const HeadTransform<T>& t, const T* rotation, T direction, T* x) {
    for (Index i = 0; i < t.pairs; ++i) {
      const T cosine = rotation[i], sine = direction * rotation[t.pairs + i];
      const T a = x[i], b = x[t.pairs + i];
      x[i] = a * cosine - b * sine;
      x[t.pairs + i] = b * cosine + a * sine;
    }
  }
};

/// The specification of the gate of a GatedMlp: plain loops over any scalar.
///
/// Shapes    preactivation and its gradient [rows, 2, hidden]: a, then b; gated [rows, hidden].
template <class Activation, class T>
struct ReferenceGate {
  /// gated = Activation(a) b
  static void forward(Index rows, Index hidden, const T* preactivation, T* gated) {
    for (Index r = 0; r < rows; ++r)
      for (Index i = 0; i < hidden; ++i) {
        const T a = preactivation[2 * r * hidden + i], b = preactivation[(2 * r + 1) * hidden + i];
        gated[r * hidden + i] = Activation::value(a) * b;
      }
  }

  /// Reads the gradient of the gated product from `gated` and leaves the product itself there.
  static void backward(Index rows, Index hidden, const T* preactivation, T* gated,
                       T* preactivation_gradient) {
    for (Index r = 0; r < rows; ++r)
      for (Index i = 0; i < hidden; ++i) {
        const Index at_a = 2 * r * hidden + i, at_b = at_a + hidden;
        const T a = preactivation[at_a], b = preactivation[at_b];
        const T gradient = gated[r * hidden + i];
        gated[r * hidden + i] = Activation::value(a) * b;
        preactivation_gradient[at_a] = gradient * b * Activation::derivative(a);
        preactivation_gradient[at_b] = gradient * Activation::value(a);
      }
  }
};

OPTIFORM_NAMESPACE_END
