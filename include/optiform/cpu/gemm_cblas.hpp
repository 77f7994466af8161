// SPDX-License-Identifier: MIT
#pragma once

#include <cblas.h>
#include <dlfcn.h>

#include <cstddef>
#include <type_traits>

#include <optiform/core/config.hpp>
#include <optiform/cpu/backend.hpp>
#include <optiform/cpu/gemm_arguments.hpp>
#include <optiform/cpu/gemm_packed.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Matrix products by whichever CBLAS is linked, for float and double: component `cblas`.
///
/// Contract  the threads are ours: OpenBLAS is told so; where another library has threads of its
///           own, set its number to 1. The library allocates its own panels.
/// Limits    sizes and leading dimensions below 2^31, as CBLAS takes them.
struct CblasGemm {
  template <class T>
  static Index scratch_bytes(const GemmArguments<T>&) {
    return 0;
  }

  template <class T>
  static void serial(std::byte*, const GemmArguments<T>& g) {
    if (g.k == 0 || g.alpha == T(0)) return detail::scale(g);
    static const bool told = in_one_thread();
    static_cast<void>(told);
    const auto multiply = [&](auto gemm) {
      gemm(CblasRowMajor, flip(g.transpose_a), flip(g.transpose_b), static_cast<int>(g.m),
           static_cast<int>(g.n), static_cast<int>(g.k), g.alpha, g.a, static_cast<int>(g.lda), g.b,
           static_cast<int>(g.ldb), g.beta, g.c, static_cast<int>(g.ldc));
    };
    if constexpr (std::is_same_v<T, float>)
      multiply(cblas_sgemm);
    else
      multiply(cblas_dgemm);
  }

 private:
  static CBLAS_TRANSPOSE flip(Transpose t) {
    return t == Transpose::yes ? CblasTrans : CblasNoTrans;
  }
  static bool in_one_thread() {
    using Set = void (*)(int);
    const auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
    if (set != nullptr) set(1);
    return set != nullptr;
  }
};

OPTIFORM_NAMESPACE_END
