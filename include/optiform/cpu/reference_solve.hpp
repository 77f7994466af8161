// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include <optiform/core/solve.hpp>
#include <optiform/cpu/backend.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Elimination by the book for any scalar, rows exchanged for the largest pivot.
template <>
struct linear_solver<Reference> {
  template <class T>
  class Dense {
   public:
    void factorise(Index n, const T* matrix) {
      n_ = n;
      lu_.assign(matrix, matrix + n * n);
      order_.resize(static_cast<std::size_t>(n));
      for (Index i = 0; i < n; ++i) order_[static_cast<std::size_t>(i)] = i;
      for (Index k = 0; k < n; ++k) {
        Index pivot = k;
        for (Index i = k + 1; i < n; ++i)
          if (magnitude(at(i, k)) > magnitude(at(pivot, k))) pivot = i;
        for (Index j = 0; j < n; ++j) std::swap(at(k, j), at(pivot, j));
        std::swap(order_[static_cast<std::size_t>(k)], order_[static_cast<std::size_t>(pivot)]);
        for (Index i = k + 1; i < n; ++i) {
          at(i, k) = at(i, k) / at(k, k);
          for (Index j = k + 1; j < n; ++j) at(i, j) -= at(i, k) * at(k, j);
        }
      }
    }
    void solve(const T* b, T* x) {
      for (Index i = 0; i < n_; ++i) {
        x[i] = b[order_[static_cast<std::size_t>(i)]];
        for (Index j = 0; j < i; ++j) x[i] -= at(i, j) * x[j];
      }
      for (Index i = n_ - 1; i >= 0; --i) {
        for (Index j = i + 1; j < n_; ++j) x[i] -= at(i, j) * x[j];
        x[i] = x[i] / at(i, i);
      }
    }
    void solve_transposed(const T* b, T* x) {
      std::vector<T> y(b, b + n_);
      const auto value = [&](Index i) -> T& { return y[static_cast<std::size_t>(i)]; };
      for (Index i = 0; i < n_; ++i) {
        for (Index j = 0; j < i; ++j) value(i) -= at(j, i) * value(j);
        value(i) = value(i) / at(i, i);
      }
      for (Index i = n_ - 1; i >= 0; --i)
        for (Index j = i + 1; j < n_; ++j) value(i) -= at(j, i) * value(j);
      for (Index i = 0; i < n_; ++i) x[order_[static_cast<std::size_t>(i)]] = value(i);
    }

   private:
    T& at(Index i, Index j) { return lu_[static_cast<std::size_t>(i * n_ + j)]; }
    static T magnitude(T a) { return a < T(0) ? -a : a; }

    Index n_ = 0;
    std::vector<T> lu_;
    std::vector<Index> order_;
  };

  /// The same on the matrix written out.
  template <class T>
  class Sparse : public Dense<T> {
   public:
    void factorise(const SparseRows<T>& matrix) {
      const Index n = matrix.size();
      std::vector<T> full(static_cast<std::size_t>(n * n), T(0));
      for (Index i = 0; i < n; ++i)
        for (Index e = matrix.first[static_cast<std::size_t>(i)];
             e < matrix.first[static_cast<std::size_t>(i) + 1]; ++e) {
          const auto entry = static_cast<std::size_t>(e);
          full[static_cast<std::size_t>(i * n + matrix.column[entry])] = matrix.value[entry];
        }
      Dense<T>::factorise(n, full.data());
    }
  };
};

OPTIFORM_NAMESPACE_END
