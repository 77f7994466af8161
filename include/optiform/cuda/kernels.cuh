// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/cuda/backend.hpp>
#include <optiform/cuda/row_kernel.cuh>

OPTIFORM_NAMESPACE_BEGIN

/// The primitives of the CUDA backend that exist so far: row programs.
///
/// See       kernels<Reference> for the full table.
template <>
struct kernels<Cuda> {
  using Context = cuda::Context;

  template <class P, Index Length = 0, int Heads = 0, class T>
  static void run_rows(Context& context, const RowArguments<T>& arguments) {
    static_assert(!P::graph.is_staged(),
                  "optiform: kernels<Cuda> - row operations do not run on this backend; use Cpu");
    cuda::run_rows<P, Length>(context, arguments);
  }
};

OPTIFORM_NAMESPACE_END
