// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/backend.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Orthonormal bases of a backend, specialised beside its kernels and included on request:
///
///   orthonormal_basis<Cpu>        <optiform/cpu/orthonormal_basis.hpp>, by Eigen
///   orthonormal_basis<Reference>  <optiform/cpu/reference_orthonormal_basis.hpp>, by the book
///
///   eigenvectors(n, a, values, vectors)  a = vectors diag(values) vectors^T, values falling
///   orthonormalise(n, a)                 a becomes Q of a = Q R
///   eigenvectors_bytes(n), orthonormalise_bytes(n)  of memory that they take while they run
///
/// Shapes    a, vectors [n, n] row-major, an eigenvector is a column; values [n].
/// Contract  a is symmetric, or of orthonormalise any matrix, of any rank. Computes in double;
///           allocates; one thread.
template <class Backend>
struct orthonormal_basis;

OPTIFORM_NAMESPACE_END
