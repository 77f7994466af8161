// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <optiform/cpu/pack.hpp>

/// The rival of the derived row programs: the step of triple momentum, the next query and its
/// pre-norm, and their derivative, fused by hand as one would write them for this rule alone.
///
///   u = beta v + gamma g        v' = w LN(u)        x' = x + nu v'
///   y = w_next LN(x' + mu v')
///
/// Shapes    x, v, g, outputs and adjoints: [rows, width]; gains: [width]; statistics: [rows, 4]
///           (mean and reciprocal deviation of u, then of the query).
/// Contract  statistics are written forward and read backward. Backward: `x_gradient` and
///           `v_gradient` hold the adjoints of x' and v' and become those of x and v; gains and
///           coefficients accumulate.
/// Limits    width is a multiple of 2 pack_width<T>.

namespace bench {

using optiform::Index;
using optiform::Pack;

struct TripleMomentumCoefficients {
  double mu, beta, gamma, nu;  ///< mu of the next step
};

template <class T>
struct HandWrittenBoundary {
  Index rows;
  TripleMomentumCoefficients c;
  const T *x, *v, *g, *gain, *next_gain;
  T* statistic;
  T *x_next, *v_next, *y;                   // forward
  const T* y_gradient;                      // backward
  T *x_gradient, *v_gradient, *g_gradient;  // backward
  T *gain_gradient, *next_gain_gradient;    // backward, +=
  TripleMomentumCoefficients* c_gradient;   // backward, +=
};

namespace detail {

template <class T, bool Streaming, class P>
OPTIFORM_INLINE void put(P value, T* to) {
  if constexpr (Streaming) {
    value.stream(to);
  } else {
    value.store(to);
  }
}

/// sum (row[e] - mean)^2, from which comes 1 / sqrt(variance + 1e-5).
template <class P, class T>
OPTIFORM_INLINE T reciprocal_deviation(const T* row, Index width, T mean) {
  P squares(T(0));
  const P m(mean);
  for (Index e = 0; e < width; e += P::width) {
    const P d = P::load(row + e) - m;
    squares = fma(d, d, squares);
  }
  return T(1) / std::sqrt(sum(squares) / static_cast<T>(width) + T(1e-5));
}

}  // namespace detail

/// Scratch: [width] numbers, aligned to 64 bytes.
template <class T, Index Width, bool Streaming>
void boundary_forward_by_hand(const HandWrittenBoundary<T>& a, T* scratch) {
  using P = Pack<T, 2 * optiform::pack_width<T>>;
  constexpr auto length = static_cast<T>(Width);
  const P beta(static_cast<T>(a.c.beta)), gamma(static_cast<T>(a.c.gamma));
  const P nu(static_cast<T>(a.c.nu)), mu(static_cast<T>(a.c.mu));
  for (Index row = 0; row < a.rows; ++row) {
    const Index at = row * Width;
    P total(T(0));
    for (Index e = 0; e < Width; e += P::width) {
      const P u = fma(beta, P::load(a.v + at + e), gamma * P::load(a.g + at + e));
      u.store(scratch + e);
      total += u;
    }
    const T mean = sum(total) / length;
    const T scale = detail::reciprocal_deviation<P>(scratch, Width, mean);

    total = P(T(0));
    for (Index e = 0; e < Width; e += P::width) {
      const P n = (P::load(scratch + e) - P(mean)) * P(scale);
      const P v = P::load(a.gain + e) * n;
      const P x = fma(nu, v, P::load(a.x + at + e));
      const P q = fma(mu, v, x);
      detail::put<T, Streaming>(v, a.v_next + at + e);
      detail::put<T, Streaming>(x, a.x_next + at + e);
      q.store(scratch + e);
      total += q;
    }
    const T q_mean = sum(total) / length;
    const T q_scale = detail::reciprocal_deviation<P>(scratch, Width, q_mean);

    for (Index e = 0; e < Width; e += P::width) {
      const P n = (P::load(scratch + e) - P(q_mean)) * P(q_scale);
      detail::put<T, Streaming>(P::load(a.next_gain + e) * n, a.y + at + e);
    }
    T* const s = a.statistic + row * 4;
    s[0] = mean, s[1] = scale, s[2] = q_mean, s[3] = q_scale;
  }
  if constexpr (Streaming) optiform::stream_fence();
}

/// Scratch: [3, width] numbers, aligned to 64 bytes.
template <class T, Index Width, bool Streaming>
void boundary_backward_by_hand(const HandWrittenBoundary<T>& a, T* scratch) {
  using P = Pack<T, 2 * optiform::pack_width<T>>;
  constexpr auto length = static_cast<T>(Width);
  const P beta(static_cast<T>(a.c.beta)), gamma(static_cast<T>(a.c.gamma));
  const P nu(static_cast<T>(a.c.nu)), mu(static_cast<T>(a.c.mu));
  T *const normal = scratch, *const q_normal = scratch + Width, *const along = scratch + 2 * Width;
  double d_mu = 0, d_beta = 0, d_gamma = 0, d_nu = 0;
  for (Index row = 0; row < a.rows; ++row) {
    const Index at = row * Width;
    const T* const s = a.statistic + row * 4;
    const T scale = s[1], q_scale = s[3];

    // Both normalised vectors again, and the two means of the pre-norm's derivative.
    P sum_1(T(0)), sum_2(T(0));
    for (Index e = 0; e < Width; e += P::width) {
      const P u = fma(beta, P::load(a.v + at + e), gamma * P::load(a.g + at + e));
      const P n = (u - P(s[0])) * P(scale);
      const P v = P::load(a.gain + e) * n;
      const P q = fma(mu, v, fma(nu, v, P::load(a.x + at + e)));
      const P m = (q - P(s[2])) * P(q_scale);
      const P dy = P::load(a.y_gradient + at + e);
      fma(m, dy, P::load(a.next_gain_gradient + e)).store(a.next_gain_gradient + e);
      const P dm = P::load(a.next_gain + e) * dy;
      n.store(normal + e);
      m.store(q_normal + e);
      sum_1 += dm;
      sum_2 = fma(dm, m, sum_2);
    }
    const T mean_1 = sum(sum_1) / length, mean_2 = sum(sum_2) / length;

    // The adjoint of the query goes to x and v; that of v' through its norm.
    P by_v(T(0)), by_x(T(0)), sum_3(T(0)), sum_4(T(0));
    for (Index e = 0; e < Width; e += P::width) {
      const P m = P::load(q_normal + e), n = P::load(normal + e), w = P::load(a.gain + e);
      const P dm = P::load(a.next_gain + e) * P::load(a.y_gradient + at + e);
      const P dq = P(q_scale) * (dm - P(mean_1) - P(mean_2) * m);
      const P dx = P::load(a.x_gradient + at + e) + dq;
      const P v = w * n;
      by_v = fma(v, dq, by_v);
      by_x = fma(v, dx, by_x);
      const P dv = fma(nu, dx, fma(mu, dq, P::load(a.v_gradient + at + e)));
      dx.store(a.x_gradient + at + e);  // just read: streaming it would not pay
      fma(dv, n, P::load(a.gain_gradient + e)).store(a.gain_gradient + e);
      const P dn = w * dv;
      dn.store(along + e);
      sum_3 += dn;
      sum_4 = fma(dn, n, sum_4);
    }
    const T mean_3 = sum(sum_3) / length, mean_4 = sum(sum_4) / length;

    P by_u_v(T(0)), by_u_g(T(0));
    for (Index e = 0; e < Width; e += P::width) {
      const P du = P(scale) * (P::load(along + e) - P(mean_3) - P(mean_4) * P::load(normal + e));
      by_u_v = fma(du, P::load(a.v + at + e), by_u_v);
      by_u_g = fma(du, P::load(a.g + at + e), by_u_g);
      (beta * du).store(a.v_gradient + at + e);
      detail::put<T, Streaming>(gamma * du, a.g_gradient + at + e);
    }
    d_mu += static_cast<double>(sum(by_v));
    d_nu += static_cast<double>(sum(by_x));
    d_beta += static_cast<double>(sum(by_u_v));
    d_gamma += static_cast<double>(sum(by_u_g));
  }
  a.c_gradient->mu += d_mu;
  a.c_gradient->beta += d_beta;
  a.c_gradient->gamma += d_gamma;
  a.c_gradient->nu += d_nu;
  if constexpr (Streaming) optiform::stream_fence();
}

}  // namespace bench
