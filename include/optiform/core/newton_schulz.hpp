// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// One step of an odd polynomial iteration on singular values: s' = a s + b s^3 + c s^5.
struct Quintic {
  double a, b, c;
};

/// Five steps whose slope at zero is as steep as stability allows: singular values from 0.003 to 1
/// end between 0.68 and 1.21, not at 1.
///
/// Source    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
struct QuinticNewtonSchulz {
  static constexpr int steps = 5;
  static constexpr Quintic step(int) { return {3.4445, -4.7750, 2.0315}; }
};

/// Elements of workspace that `orthogonalise` takes.
constexpr Index orthogonalise_workspace(Index rows, Index columns) {
  const Index n = std::min(rows, columns);
  return rows * columns + 2 * n * n;
}

/// out = alpha p(X / max(||X||_F, epsilon)) + beta out, where p applies an odd polynomial to the
/// singular values: near U V^T of X = U S V^T. The Gram matrix is that of the shorter side.
///
/// Shapes    x, out [rows, columns], dense; workspace [orthogonalise_workspace(rows, columns)].
/// Contract  overwrites x and the workspace; out overlaps neither. The scale is folded into the
///           first step, alpha and beta into the last product. Computes in T throughout, unlike
///           implementations that iterate in bfloat16. Polynomial: `steps`, and a Quintic for each.
/// Limits    X = 0 gives beta out; beta == 0 never reads out.
template <class Polynomial, class Backend, class T>
void orthogonalise(context_t<Backend>& context, Index rows, Index columns, double epsilon, T* x,
                   T* workspace, double alpha, double beta, T* out) {
  using K = kernels<Backend>;
  const bool wide = rows <= columns;
  const Index n = std::min(rows, columns), k = std::max(rows, columns);
  T *y = workspace, *const gram = y + n * k, *const polynomial = gram + n * n;
  double scale = 1 / std::max(math::sqrt(K::sum_of_squares(context, n * k, x)), epsilon);
  for (int i = 0; i < Polynomial::steps; ++i) {
    const Quintic p = Polynomial::step(i);
    K::symmetric_product(context, wide ? Transpose::no : Transpose::yes, n, k, T(scale * scale), x,
                         columns, T(0), static_cast<const T*>(nullptr), T(0), gram);
    K::symmetric_product(context, Transpose::no, n, n, T(scale * p.c), gram, n, T(scale * p.b),
                         gram, T(scale * p.a), polynomial);
    const bool last = i + 1 == Polynomial::steps;
    const T *const left = wide ? polynomial : x, *const right = wide ? x : polynomial;
    K::gemm(context, Transpose::no, Transpose::no, rows, columns, n, last ? T(alpha) : T(1), left,
            n, right, columns, last ? T(beta) : T(0), last ? out : y, columns);
    std::swap(x, y);
    scale = 1;
  }
}

OPTIFORM_NAMESPACE_END
