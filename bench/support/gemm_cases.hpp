// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/cpu/gemm_arguments.hpp>

// The matrix products of transformer training.

namespace bench {

using optiform::GemmArguments;
using optiform::Index;
using optiform::Transpose;

/// Sizes [N, K] of the linear layers of a small and a middling model.
inline constexpr Index layers[][2] = {{384, 384},  {1152, 384}, {1536, 384},
                                      {384, 1536}, {768, 768},  {2304, 768},
                                      {3072, 768}, {768, 3072}, {8192, 384}};

/// The three products of a linear layer Y = X W^T with X [M, K], W [N, K].
enum class Product { forward, input_gradient, weight_gradient };

inline constexpr struct {
  Product product;
  const char* name;
} products[] = {
    {Product::forward, "fwd"}, {Product::input_gradient, "dX"}, {Product::weight_gradient, "dW"}};

/// Everything but the matrices.
template <class T>
GemmArguments<T> arguments(Product product, Index m, Index n, Index k) {
  GemmArguments<T> g;
  switch (product) {
    case Product::forward:
      g.transpose_b = Transpose::yes;
      g.m = m, g.n = n, g.k = k;
      break;
    case Product::input_gradient:
      g.m = m, g.n = k, g.k = n;
      break;
    case Product::weight_gradient:
      g.transpose_a = Transpose::yes;
      g.m = n, g.n = k, g.k = m;
      g.beta = 1;
      break;
  }
  g.lda = g.transpose_a == Transpose::yes ? g.m : g.k;
  g.ldb = g.transpose_b == Transpose::yes ? g.k : g.n;
  g.ldc = g.n;
  return g;
}

template <class T>
double operations(const GemmArguments<T>& g) {
  return 2 * static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
}

}  // namespace bench
