// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

/// The textbook optimizers once more, as plain loops over a weight vector: one step each, down the
/// gradient of the loss. Nothing here knows the library's rule language.
namespace scalar_optimizers {

template <class T>
using Vector = std::vector<T>;

/// w' = w - rate g
template <class T>
void gradient_descent(Vector<T>& w, const Vector<T>& gradient, T rate) {
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = w[i] - rate * gradient[i];
}

/// v' = beta v - rate g;  w' = w + v'. Source: Polyak 1964.
template <class T>
void heavy_ball(Vector<T>& w, Vector<T>& v, const Vector<T>& gradient, T rate, T beta) {
  for (std::size_t i = 0; i < w.size(); ++i) {
    v[i] = beta * v[i] - rate * gradient[i];
    w[i] = w[i] + v[i];
  }
}

/// The form that stays at the query point y = w + mu v, where the gradient is taken:
/// w' = y - rate g(y);  v' = w' - w;  y' = w' + mu v'.
/// `y` holds the query point between calls, `w` the iterate. Source: Nesterov 1983.
template <class T>
void nesterov(Vector<T>& y, Vector<T>& w, const Vector<T>& gradient_at_y, T rate, T mu) {
  for (std::size_t i = 0; i < w.size(); ++i) {
    const T next = y[i] - rate * gradient_at_y[i];
    y[i] = next + mu * (next - w[i]);
    w[i] = next;
  }
}

/// Adam with bias correction; `clock` counts steps from 1. decay > 0 gives AdamW:
/// w' = (1 - rate decay) w - rate m^ / (sqrt(s^) + epsilon), m^ = m / (1 - beta1^t).
/// Source: Kingma, Ba 2015; Loshchilov, Hutter 2019.
template <class T>
void adam(Vector<T>& w, Vector<T>& m, Vector<T>& s, const Vector<T>& gradient, int clock, T rate,
          T beta1, T beta2, T epsilon, T decay) {
  using std::sqrt;
  const T one = T(1.0);
  T power1 = one, power2 = one;
  for (int t = 0; t < clock; ++t) {
    power1 = power1 * beta1;
    power2 = power2 * beta2;
  }
  for (std::size_t i = 0; i < w.size(); ++i) {
    m[i] = beta1 * m[i] + (one - beta1) * gradient[i];
    s[i] = beta2 * s[i] + (one - beta2) * gradient[i] * gradient[i];
    const T first = m[i] / (one - power1), second = s[i] / (one - power2);
    w[i] = w[i] - rate * decay * w[i] - rate * first / (sqrt(second) + epsilon);
  }
}

/// s' = beta2 s + (1 - beta2) g^2;  w' = w - rate g / (sqrt(s') + epsilon), no bias correction.
template <class T>
void rmsprop(Vector<T>& w, Vector<T>& s, const Vector<T>& gradient, T rate, T beta2, T epsilon) {
  using std::sqrt;
  for (std::size_t i = 0; i < w.size(); ++i) {
    s[i] = beta2 * s[i] + (T(1.0) - beta2) * gradient[i] * gradient[i];
    w[i] = w[i] - rate * gradient[i] / (sqrt(s[i]) + epsilon);
  }
}

}  // namespace scalar_optimizers
