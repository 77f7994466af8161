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
/// Weights: scalar_optimizers.hpp.
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

/// One token's row: the iterate and the streams beside it. A covariance is its lower triangle, row
/// by row.
template <class T>
struct State {
  Vector<T> x;
  std::vector<Vector<T>> streams;
  std::size_t heads = 1;
};

/// Rules that ask their oracle at x.
struct AtIterate {
  template <class T>
  static Vector<T> query(const State<T>& s, const Vector<T>&) {
    return s.x;
  }
};
/// Rules that ask at x + mu v; mu is their first coefficient.
struct LookAhead {
  template <class T>
  static Vector<T> query(const State<T>& s, const Vector<T>& c) {
    Vector<T> q(s.x.size());
    for (std::size_t i = 0; i < q.size(); ++i) q[i] = s.x[i] + c[0] * s.streams[0][i];
    return q;
  }
};

/// x += gamma N(u)
template <class T>
void add_update(State<T>& s, T gamma, const Vector<T>& update, const Norm<T>& norm) {
  const Vector<T> u = normalise(update, norm);
  for (std::size_t i = 0; i < u.size(); ++i) s.x[i] = s.x[i] + gamma * u[i];
}

/// v' = N(beta v + gamma g), x' = x + nu v'
template <class T>
void momentum_step(State<T>& s, const Vector<T>& g, T beta, T gamma, T nu, const Norm<T>& norm) {
  Vector<T>& v = s.streams[0];
  Vector<T> u(g.size());
  for (std::size_t i = 0; i < g.size(); ++i) u[i] = beta * v[i] + gamma * g[i];
  v = normalise(u, norm);
  for (std::size_t i = 0; i < g.size(); ++i) s.x[i] = s.x[i] + nu * v[i];
}

/// beta m + (1 - beta) g, in place.
template <class T>
void average(Vector<T>& m, T beta, const Vector<T>& g) {
  for (std::size_t i = 0; i < g.size(); ++i) m[i] = beta * m[i] + (T(1.0) - beta) * g[i];
}
/// beta s + (1 - beta) g^2, in place.
template <class T>
void average_squares(Vector<T>& s, T beta, const Vector<T>& g) {
  for (std::size_t i = 0; i < g.size(); ++i) s[i] = beta * s[i] + (T(1.0) - beta) * g[i] * g[i];
}
/// m / (sqrt(s) + epsilon)
template <class T>
Vector<T> over_deviation(const Vector<T>& m, const Vector<T>& s) {
  using std::sqrt;
  Vector<T> u(m.size());
  for (std::size_t i = 0; i < m.size(); ++i) u[i] = m[i] / (sqrt(s[i]) + T(adam_epsilon));
  return u;
}

struct GradientDescent : AtIterate {
  static constexpr std::size_t stream_count = 0, coefficient_count = 0;
  static constexpr const char* coefficients[] = {""};

  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>&, const Norm<T>&) {
    for (std::size_t i = 0; i < g.size(); ++i) s.x[i] = s.x[i] + g[i];
  }
};

struct HeavyBall : AtIterate {
  static constexpr std::size_t stream_count = 1, coefficient_count = 2;
  static constexpr const char* coefficients[] = {"beta", "gamma"};

  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    momentum_step(s, g, c[0], c[1], T(1.0), norm);
  }
};

struct Nesterov : LookAhead {
  static constexpr std::size_t stream_count = 1, coefficient_count = 3;
  static constexpr const char* coefficients[] = {"mu", "beta", "gamma"};

  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    momentum_step(s, g, c[1], c[2], T(1.0), norm);
  }
};

struct TripleMomentum : LookAhead {
  static constexpr std::size_t stream_count = 1, coefficient_count = 4;
  static constexpr const char* coefficients[] = {"mu", "beta", "gamma", "nu"};

  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    momentum_step(s, g, c[1], c[2], c[3], norm);
  }
};

struct Adam : AtIterate {
  static constexpr std::size_t stream_count = 2, coefficient_count = 3;
  static constexpr const char* coefficients[] = {"beta1", "beta2", "gamma"};

  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    average(s.streams[0], c[0], g);
    average_squares(s.streams[1], c[1], g);
    add_update(s, c[2], over_deviation(s.streams[0], s.streams[1]), norm);
  }
};

struct AdamW : AtIterate {
  static constexpr std::size_t stream_count = 2, coefficient_count = 4;
  static constexpr const char* coefficients[] = {"beta1", "beta2", "gamma", "lambda"};

  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    for (T& x : s.x) x = (T(1.0) - c[3]) * x;
    Adam::step(s, g, c, norm);
  }
};

struct RmsProp : AtIterate {
  static constexpr std::size_t stream_count = 1, coefficient_count = 2;
  static constexpr const char* coefficients[] = {"beta2", "gamma"};

  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    average_squares(s.streams[0], c[0], g);
    add_update(s, c[1], over_deviation(g, s.streams[0]), norm);
  }
};

/// A dense matrix, row by row.
template <class T>
struct Matrix {
  std::size_t rows, columns;
  Vector<T> value;

  Matrix(std::size_t r, std::size_t c) : rows(r), columns(c), value(r * c, T(0.0)) {}
  Matrix(std::size_t r, const Vector<T>& v) : rows(r), columns(v.size() / r), value(v) {}
  T& at(std::size_t i, std::size_t j) { return value[i * columns + j]; }
  const T& at(std::size_t i, std::size_t j) const { return value[i * columns + j]; }
  T norm() const {
    using std::sqrt;
    T sum = T(0.0);
    for (const T& v : value) sum = sum + v * v;
    return sqrt(sum);
  }
};
template <class T>
Matrix<T> product(const Matrix<T>& a, const Matrix<T>& b, bool transpose_a = false) {
  Matrix<T> c(transpose_a ? a.columns : a.rows, b.columns);
  const std::size_t inner = transpose_a ? a.rows : a.columns;
  for (std::size_t i = 0; i < c.rows; ++i)
    for (std::size_t j = 0; j < c.columns; ++j)
      for (std::size_t k = 0; k < inner; ++k)
        c.at(i, j) = c.at(i, j) + (transpose_a ? a.at(k, i) : a.at(i, k)) * b.at(k, j);
  return c;
}

/// Five Newton-Schulz steps on the large Gram matrix, as published.
template <class T>
Vector<T> newton_schulz(const Vector<T>& m, std::size_t heads) {
  Matrix<T> y(heads, m);
  const T norm = y.norm();
  for (T& v : y.value) v = v / norm;
  for (int step = 0; step < 5; ++step) {
    const Matrix<T> a = product(y, y, true), square = product(a, a);
    Matrix<T> p(a.rows, a.columns);
    for (std::size_t i = 0; i < p.value.size(); ++i)
      p.value[i] = T(-4.7750) * a.value[i] + T(2.0315) * square.value[i];
    for (std::size_t i = 0; i < p.rows; ++i) p.at(i, i) = p.at(i, i) + T(3.4445);
    y = product(y, p);
  }
  return y.value;
}

/// A near-inverse root of R + 1e-6 I: ten uncoupled Newton steps, as published.
template <class T>
Matrix<T> inverse_root(Matrix<T> r) {
  using std::sqrt;
  for (std::size_t i = 0; i < r.rows; ++i) r.at(i, i) = r.at(i, i) + T(1e-6);
  const T c = r.norm();
  for (T& v : r.value) v = v / c;
  Matrix<T> x(r.rows, r.rows);
  for (std::size_t i = 0; i < r.rows; ++i) x.at(i, i) = T(1.0);
  for (int step = 0; step < 10; ++step) {
    Matrix<T> bracket = product(product(x, r), x);
    for (T& v : bracket.value) v = T(0.0) - v;
    for (std::size_t i = 0; i < r.rows; ++i) bracket.at(i, i) = bracket.at(i, i) + T(3.0);
    x = product(x, bracket);
    for (T& v : x.value) v = T(0.5) * v;
  }
  for (T& v : x.value) v = v / sqrt(c);
  return x;
}

struct Ortho : AtIterate {
  static constexpr std::size_t stream_count = 0, coefficient_count = 1;
  static constexpr const char* coefficients[] = {"gamma"};

  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    add_update(s, c[0], newton_schulz(g, s.heads), norm);
  }
};

struct Muon : AtIterate {
  static constexpr std::size_t stream_count = 1, coefficient_count = 2;
  static constexpr const char* coefficients[] = {"beta", "gamma"};

  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    average(s.streams[0], c[0], g);
    add_update(s, c[1], newton_schulz(s.streams[0], s.heads), norm);
  }
};

/// direction P(R') with R' = betaR R + (1 - betaR) G^T G, which replaces R.
template <class T>
Vector<T> whitened(Vector<T>& covariance, T beta, const Vector<T>& direction, const Vector<T>& g,
                   std::size_t heads) {
  const Matrix<T> rows(heads, g), gram = product(rows, rows, true);
  Matrix<T> r(gram.rows, gram.columns);
  std::size_t packed = 0;
  for (std::size_t i = 0; i < r.rows; ++i)
    for (std::size_t j = 0; j <= i; ++j, ++packed) {
      covariance[packed] = beta * covariance[packed] + (T(1.0) - beta) * gram.at(i, j);
      r.at(i, j) = r.at(j, i) = covariance[packed];
    }
  return product(Matrix<T>(heads, direction), inverse_root(r)).value;
}

struct Shampoo : AtIterate {
  static constexpr std::size_t stream_count = 1, coefficient_count = 2;
  static constexpr const char* coefficients[] = {"betaR", "gamma"};

  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    add_update(s, c[1], whitened(s.streams[0], c[0], g, g, s.heads), norm);
  }
};

/// Streams: the covariance, then the first moment.
struct Soap : AtIterate {
  static constexpr std::size_t stream_count = 2, coefficient_count = 3;
  static constexpr const char* coefficients[] = {"beta1", "betaR", "gamma"};

  template <class T>
  static void step(State<T>& s, const Vector<T>& g, const Vector<T>& c, const Norm<T>& norm) {
    average(s.streams[1], c[0], g);
    add_update(s, c[2], whitened(s.streams[0], c[1], s.streams[1], g, s.heads), norm);
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

}  // namespace scalar_rules
