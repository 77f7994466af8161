// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include <optiform/core/jacobi.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/orthonormal_basis.hpp>
#include <optiform/cpu/backend.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Bases by the book: cyclic Jacobi rotations, and Householder reflections.
template <>
struct orthonormal_basis<Reference> {
  static constexpr Index eigenvectors_bytes(Index n) { return 2 * n * n * 8; }
  static constexpr Index orthonormalise_bytes(Index n) { return (2 * n + 1) * n * 8; }

  template <class T>
  static void eigenvectors(Index n, const T* a, T* values, T* vectors) {
    Square m(n, a), v(n);
    diagonalise(n, m.data.data(), v.data.data());
    std::vector<Index> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](Index i, Index j) { return m(i, i) > m(j, j); });
    for (Index k = 0; k < n; ++k) {
      const Index from = order[static_cast<std::size_t>(k)];
      values[k] = static_cast<T>(m(from, from));
      for (Index i = 0; i < n; ++i) vectors[i * n + k] = static_cast<T>(v(i, from));
    }
  }

  template <class T>
  static void orthonormalise(Index n, T* a) {
    Square r(n, a), q(n);
    std::vector<double> u(static_cast<std::size_t>(n));
    for (Index k = 0; k + 1 < n; ++k) {
      double norm = 0;
      for (Index i = k; i < n; ++i) norm += r(i, k) * r(i, k);
      if (norm == 0) continue;
      norm = math::sqrt(norm);
      double square = 0;
      for (Index i = k; i < n; ++i) {
        double& u_i = u[static_cast<std::size_t>(i)];
        u_i = r(i, k) + (i == k ? (r(k, k) < 0 ? -norm : norm) : 0);
        square += u_i * u_i;
      }
      reflect(r, u, k, square, false);
      reflect(q, u, k, square, true);
    }
    for (Index i = 0; i < n * n; ++i) a[i] = static_cast<T>(q.data[static_cast<std::size_t>(i)]);
  }

 private:
  struct Square {
    Index n;
    std::vector<double> data;
    template <class T>
    Square(Index size, const T* from) : n(size), data(from, from + size * size) {}
    explicit Square(Index size) : n(size), data(static_cast<std::size_t>(size * size)) {
      for (Index i = 0; i < n; ++i) (*this)(i, i) = 1;
    }
    double& operator()(Index i, Index j) { return data[static_cast<std::size_t>(i * n + j)]; }
  };

  /// (I - 2 u u^T / square) m, or m times it.
  static void reflect(Square& m, const std::vector<double>& u, Index first, double square,
                      bool right) {
    const auto at = [&](Index line, Index i) -> double& { return right ? m(line, i) : m(i, line); };
    for (Index line = 0; line < m.n; ++line) {
      double along = 0;
      for (Index i = first; i < m.n; ++i) along += u[static_cast<std::size_t>(i)] * at(line, i);
      for (Index i = first; i < m.n; ++i)
        at(line, i) -= 2 * along / square * u[static_cast<std::size_t>(i)];
    }
  }
};

OPTIFORM_NAMESPACE_END
