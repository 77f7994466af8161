// SPDX-License-Identifier: MIT
#pragma once

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>

#include <cstddef>
#include <type_traits>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>
#include <optiform/cpu/backend.hpp>
#include <optiform/cpu/gemm_arguments.hpp>
#include <optiform/cpu/gemm_packed.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Matrix products by oneDNN, for float: component `onednn`.
///
/// Contract  the threads are ours: where oneDNN is built with OpenMP, a call runs in one thread,
///           and the calling thread keeps that setting. oneDNN allocates its own panels.
/// Limits    double is refused while compiling; oneDNN has no such product.
/// Errors    a status other than success: Error.
/// See       https://oneapi-src.github.io/oneDNN/
struct OneDnnGemm {
  template <class T>
  static Index scratch_bytes(const GemmArguments<T>&) {
    return 0;
  }

  template <class T>
  static void serial(std::byte*, const GemmArguments<T>& g) {
    static_assert(std::is_same_v<T, float>,
                  "optiform: OneDnnGemm - oneDNN multiplies float only; use PackedGemm");
    if (g.k == 0 || g.alpha == T(0)) return detail::scale(g);
    in_one_thread();
    const dnnl_status_t status =
        dnnl_sgemm(letter(g.transpose_a), letter(g.transpose_b), g.m, g.n, g.k, g.alpha, g.a, g.lda,
                   g.b, g.ldb, g.beta, g.c, g.ldc);
    if (status != dnnl_success) fail("OneDnnGemm: dnnl_sgemm returned ", static_cast<int>(status));
  }

 private:
  static char letter(Transpose t) { return t == Transpose::yes ? 'T' : 'N'; }

  // Looked up in the program, so that a oneDNN with any threading runtime will do.
  static void in_one_thread() {
    using Set = void (*)(int);
    static const auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    if (set != nullptr) set(1);
  }
};

OPTIFORM_NAMESPACE_END
