// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/core/backend.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A sparse square matrix by rows: row i holds column[first[i]] ... column[first[i + 1] - 1], in
/// order.
template <class T>
struct SparseRows {
  std::vector<Index> first;
  std::vector<int> column;
  std::vector<T> value;
  Index size() const { return static_cast<Index>(first.size()) - 1; }
};

/// Linear solvers of a backend, specialised beside its kernels:
///
///   linear_solver<Cpu>        <optiform/cpu/solve.hpp>, by Eigen
///   linear_solver<Reference>  <optiform/cpu/reference_solve.hpp>, by elimination, any scalar
///
///   Dense<T>   factorise(n, matrix); solve(b, x) for A x = b; solve_transposed(b, x)
///   Sparse<T>  the same with factorise(SparseRows<T>), and x read as a first guess
///
/// Shapes    matrix [n, n] row-major; b, x [n].
template <class Backend>
struct linear_solver;

OPTIFORM_NAMESPACE_END
