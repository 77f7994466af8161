// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/core/config.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/random.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Fills a matrix with `gain` times a random matrix of orthonormal rows, or columns where there are
/// fewer of them.
///
/// Shapes    matrix = [rows, columns]
/// Source    Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in
///           deep linear neural networks", ICLR 2014.
template <class T>
void orthogonal(Rng& rng, Index rows, Index columns, double gain, T* matrix) {
  const bool tall = rows > columns;
  const Index vectors = tall ? columns : rows, length = tall ? rows : columns;
  std::vector<double> basis(static_cast<std::size_t>(vectors * length));
  for (Index i = 0; i < vectors; ++i) {
    double* const v = basis.data() + i * length;
    for (Index k = 0; k < length; ++k) v[k] = rng.normal();
    // Gram-Schmidt, twice: once leaves an error of the matrix's condition.
    for (int pass = 0; pass < 2; ++pass) {
      for (Index j = 0; j < i; ++j) {
        const double* const w = basis.data() + j * length;
        double dot = 0;
        for (Index k = 0; k < length; ++k) dot += v[k] * w[k];
        for (Index k = 0; k < length; ++k) v[k] -= dot * w[k];
      }
    }
    double square = 0;
    for (Index k = 0; k < length; ++k) square += v[k] * v[k];
    const double scale = 1 / math::sqrt(square);
    for (Index k = 0; k < length; ++k) v[k] *= scale;
  }
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < columns; ++c) {
      const Index at = tall ? c * length + r : r * length + c;
      matrix[r * columns + c] = static_cast<T>(gain * basis[static_cast<std::size_t>(at)]);
    }
}

OPTIFORM_NAMESPACE_END
