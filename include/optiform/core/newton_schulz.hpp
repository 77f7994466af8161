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

/// Six steps, each the minimax quintic of the interval that the one before leaves: singular values
/// from 0.001 to 1 end between 0.9955 and 1.0012; those near zero are multiplied by 1846.
///
/// Contract  all but the last step are of s / 1.01, so that rounding cannot leave the interval.
/// Source    Amsel, Persson, Musco and Gower, "The Polar Express", arXiv 2505.16932, 2025.
struct PolarExpress {
  static constexpr int steps = 6;
  static constexpr Quintic step(int i) {
    constexpr Quintic minimax[steps] = {
        {8.28721201814563, -23.595886519098837, 17.300387312530933},
        {4.107059111542203, -2.9478499167379106, 0.5448431082926601},
        {3.9486908534822946, -2.908902115962949, 0.5518191394370137},
        {3.3184196573706015, -2.488488024314874, 0.51004894012372},
        {2.300652019954817, -1.6689039845747493, 0.4188073119525673},
        {1.891301407787398, -1.2679958271945868, 0.37680408948524835}};
    constexpr double margin = 1.01, cube = margin * margin * margin;
    const Quintic p = minimax[i];
    return i + 1 == steps ? p : Quintic{p.a / margin, p.b / cube, p.c / (cube * margin * margin)};
  }
};

/// Elements of workspace that `orthogonalise` takes.
constexpr Index orthogonalise_workspace(Index rows, Index columns) {
  const Index n = std::min(rows, columns);
  return rows * columns + 2 * n * n;
}

/// Multiplications of one step of `orthogonalise`: two symmetric products and one whole.
constexpr double orthogonalise_work(Index rows, Index columns) {
  const auto n = static_cast<double>(std::min(rows, columns));
  const auto k = static_cast<double>(std::max(rows, columns));
  return n * n * (1.5 * k + 0.5 * n);
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
