// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

/// Every update rule once more, as plain loops over scalars, straight from the equations: the
/// independent oracle of the rule tests. Nothing here knows the library's rule language; every
/// function runs on float, double and Dual<double>.
///
/// Depth: a rule is a struct with `query` and `step` on one token's row. The order of `c` is that
/// of `coefficients`, the order of `streams` that of `stream_names`; coefficients are mapped values
/// (after sigmoid and softplus). A whole sublayer is q = query(...); g = O(LN(q)); step(...).
/// Weights: free functions `*_weights`, one step of the textbook optimizer on a vector.
namespace scalar_rules {

template <class T>
using Vector = std::vector<T>;

inline constexpr double adam_epsilon = 1e-8;

/// What `normalise` stands for: LayerNorm with gain and without bias, or nothing at all.
template <class T>
struct Norm {
  Vector<T> gain;  ///< empty: the identity
  double epsilon = 1e-5;
};

/// n = (u - mean) / sqrt(variance + epsilon), times the gain; the variance is the biased one.
template <class T>
Vector<T> normalise(const Vector<T>& u, const Norm<T>& norm) {
  using std::sqrt;
  if (norm.gain.empty()) return u;
  const T n = T(static_cast<double>(u.size()));
  T mean = T(0.0), variance = T(0.0);
  for (const T& value : u) mean = mean + value;
  mean = mean / n;
  for (const T& value : u) variance = variance + (value - mean) * (value - mean);
  variance = variance / n;
  const T deviation = sqrt(variance + T(norm.epsilon));
  Vector<T> out(u.size());
  for (std::size_t i = 0; i < u.size(); ++i) out[i] = norm.gain[i] * ((u[i] - mean) / deviation);
  return out;
}

/// One token's row: the iterate and the streams beside it.
template <class T>
struct State {
  Vector<T> x;
  std::vector<Vector<T>> streams;
};

struct GradientDescent {
  static constexpr std::size_t stream_count = 0, coefficient_count = 0;
  static constexpr const char* coefficients[] = {""};

  template <class T>
  static Vector<T> query(const State<T>& s, const Vector<T>&) {
    return s.x;
  }
  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>&, const Norm<T>&) {
    for (std::size_t i = 0; i < g.size(); ++i) s.x[i] = s.x[i] + g[i];
  }
};

struct HeavyBall {
  static constexpr std::size_t stream_count = 1, coefficient_count = 2;
  static constexpr const char* coefficients[] = {"beta", "gamma"};

  template <class T>
  static Vector<T> query(const State<T>& s, const Vector<T>&) {
    return s.x;
  }
  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    const T beta = c[0], gamma = c[1];
    Vector<T>& v = s.streams[0];
    Vector<T> u(g.size());
    for (std::size_t i = 0; i < g.size(); ++i) u[i] = beta * v[i] + gamma * g[i];
    v = normalise(u, norm);
    for (std::size_t i = 0; i < g.size(); ++i) s.x[i] = s.x[i] + v[i];
  }
};

struct Nesterov {
  static constexpr std::size_t stream_count = 1, coefficient_count = 3;
  static constexpr const char* coefficients[] = {"mu", "beta", "gamma"};

  template <class T>
  static Vector<T> query(const State<T>& s, const Vector<T>& c) {
    Vector<T> q(s.x.size());
    for (std::size_t i = 0; i < q.size(); ++i) q[i] = s.x[i] + c[0] * s.streams[0][i];
    return q;
  }
  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    const T beta = c[1], gamma = c[2];
    Vector<T>& v = s.streams[0];
    Vector<T> u(g.size());
    for (std::size_t i = 0; i < g.size(); ++i) u[i] = beta * v[i] + gamma * g[i];
    v = normalise(u, norm);
    for (std::size_t i = 0; i < g.size(); ++i) s.x[i] = s.x[i] + v[i];
  }
};

struct TripleMomentum {
  static constexpr std::size_t stream_count = 1, coefficient_count = 4;
  static constexpr const char* coefficients[] = {"mu", "beta", "gamma", "nu"};

  template <class T>
  static Vector<T> query(const State<T>& s, const Vector<T>& c) {
    Vector<T> q(s.x.size());
    for (std::size_t i = 0; i < q.size(); ++i) q[i] = s.x[i] + c[0] * s.streams[0][i];
    return q;
  }
  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    const T beta = c[1], gamma = c[2], nu = c[3];
    Vector<T>& v = s.streams[0];
    Vector<T> u(g.size());
    for (std::size_t i = 0; i < g.size(); ++i) u[i] = beta * v[i] + gamma * g[i];
    v = normalise(u, norm);
    for (std::size_t i = 0; i < g.size(); ++i) s.x[i] = s.x[i] + nu * v[i];
  }
};

struct Adam {
  static constexpr std::size_t stream_count = 2, coefficient_count = 3;
  static constexpr const char* coefficients[] = {"beta1", "beta2", "gamma"};

  template <class T>
  static Vector<T> query(const State<T>& s, const Vector<T>&) {
    return s.x;
  }
  template <class T>
  static void step(State<T>& state, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    using std::sqrt;
    const T one = T(1.0), beta1 = c[0], beta2 = c[1], gamma = c[2];
    Vector<T>&m = state.streams[0], &s = state.streams[1];
    Vector<T> u(g.size());
    for (std::size_t i = 0; i < g.size(); ++i) {
      m[i] = beta1 * m[i] + (one - beta1) * g[i];
      s[i] = beta2 * s[i] + (one - beta2) * g[i] * g[i];
      u[i] = m[i] / (sqrt(s[i]) + T(adam_epsilon));
    }
    u = normalise(u, norm);
    for (std::size_t i = 0; i < g.size(); ++i) state.x[i] = state.x[i] + gamma * u[i];
  }
};

struct AdamW {
  static constexpr std::size_t stream_count = 2, coefficient_count = 4;
  static constexpr const char* coefficients[] = {"beta1", "beta2", "gamma", "lambda"};

  template <class T>
  static Vector<T> query(const State<T>& s, const Vector<T>&) {
    return s.x;
  }
  template <class T>
  static void step(State<T>& state, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    using std::sqrt;
    const T one = T(1.0), beta1 = c[0], beta2 = c[1], gamma = c[2], lambda = c[3];
    Vector<T>&m = state.streams[0], &s = state.streams[1];
    Vector<T> u(g.size());
    for (std::size_t i = 0; i < g.size(); ++i) {
      m[i] = beta1 * m[i] + (one - beta1) * g[i];
      s[i] = beta2 * s[i] + (one - beta2) * g[i] * g[i];
      u[i] = m[i] / (sqrt(s[i]) + T(adam_epsilon));
    }
    u = normalise(u, norm);
    for (std::size_t i = 0; i < g.size(); ++i)
      state.x[i] = (one - lambda) * state.x[i] + gamma * u[i];
  }
};

struct RmsProp {
  static constexpr std::size_t stream_count = 1, coefficient_count = 2;
  static constexpr const char* coefficients[] = {"beta2", "gamma"};

  template <class T>
  static Vector<T> query(const State<T>& s, const Vector<T>&) {
    return s.x;
  }
  template <class T>
  static void step(State<T>& state, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    using std::sqrt;
    const T one = T(1.0), beta2 = c[0], gamma = c[1];
    Vector<T>& s = state.streams[0];
    Vector<T> u(g.size());
    for (std::size_t i = 0; i < g.size(); ++i) {
      s[i] = beta2 * s[i] + (one - beta2) * g[i] * g[i];
      u[i] = g[i] / (sqrt(s[i]) + T(adam_epsilon));
    }
    u = normalise(u, norm);
    for (std::size_t i = 0; i < g.size(); ++i) state.x[i] = state.x[i] + gamma * u[i];
  }
};

/// One whole boundary: the step with `c` and `update_norm`, then the next sublayer's query with
/// `next` and its pre-norm. Returns the oracle's next input.
template <class Rule, class T>
Vector<T> boundary(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& update_norm,
                   const Vector<T>& next, const Norm<T>& pre_norm) {
  Rule::step(s, g, c, update_norm);
  return normalise(Rule::query(s, next), pre_norm);
}

/// The textbook optimizers on a weight vector, minimising: `gradient` is that of the loss.
namespace weights {

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

/// Triple momentum: v' = beta v - rate g(w + mu v);  w' = w + nu v'.
template <class T>
void triple_momentum(Vector<T>& w, Vector<T>& v, const Vector<T>& gradient_at_query, T rate, T beta,
                     T nu) {
  for (std::size_t i = 0; i < w.size(); ++i) {
    v[i] = beta * v[i] - rate * gradient_at_query[i];
    w[i] = w[i] + nu * v[i];
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

}  // namespace weights
}  // namespace scalar_rules
