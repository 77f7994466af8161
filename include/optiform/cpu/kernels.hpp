// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <type_traits>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/cpu/activation.hpp>
#include <optiform/cpu/attention.hpp>
#include <optiform/cpu/attention_decode.hpp>
#include <optiform/cpu/backend.hpp>
#include <optiform/cpu/context.hpp>
#include <optiform/cpu/cross_entropy.hpp>
#include <optiform/cpu/elementwise.hpp>
#include <optiform/cpu/embedding.hpp>
#include <optiform/cpu/gate.hpp>
#include <optiform/cpu/gemm.hpp>
#include <optiform/cpu/heads.hpp>
#include <optiform/cpu/linear.hpp>
#include <optiform/cpu/packed_weights.hpp>
#include <optiform/cpu/reductions.hpp>
#include <optiform/cpu/row_programs.hpp>
#include <optiform/cpu/symmetric_product.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The primitives of the vectorised, threaded CPU backend, for float and double.
///
/// Contract  every function computes what kernels<Reference> specifies, with the same aliasing
///           rules. Work is split by sizes alone, so results do not depend on the number of
///           threads. Scratch memory grows on first use; nothing else is allocated.
/// See       kernels<Reference> for the meaning of each argument.
template <class Gemm, class Threads>
struct kernels<BasicCpu<Gemm, Threads>> {
  using Context = CpuContext<Threads>;

  template <class P, Index Length = 0, int Heads = 0, class T>
  static void run_rows(Context& context, const RowArguments<T>& arguments) {
    optiform::run_rows<P, Length, Heads>(context, arguments);
  }

  template <class P, class F>
  static void run_rows_batch(Context& context, Index count, F&& arguments) {
    optiform::run_rows_batch<P>(context, count, arguments);
  }

  template <class T, class Epilogue = NoEpilogue>
  static void gemm(Context& context, Transpose ta, Transpose tb, Index m, Index n, Index k, T alpha,
                   const T* a, Index lda, const T* b, Index ldb, T beta, T* c, Index ldc,
                   const Epilogue& epilogue = {}) {
    const GemmArguments<T> g{ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc};
    if constexpr (std::is_same_v<Gemm, PackedGemm>)
      if (detail::multiply_packed(context, g, epilogue)) return;
    optiform::gemm<Gemm>(context, g, epilogue);
  }

  template <Index Out, Index In, class T, class Epilogue = NoEpilogue>
  static void linear(Context& context, Index rows, const T* x, const T* w, T* y,
                     const Epilogue& epilogue = {}) {
    optiform::linear<Gemm, Out, In>(context, rows, x, w, y, epilogue);
  }

  template <class T>
  static void symmetric_product(Context& context, Transpose transpose, Index n, Index k, T alpha,
                                const T* a, Index lda, T beta, const T* d, T diagonal, T* c) {
    cpu::symmetric_product<Gemm>(context, transpose, n, k, alpha, a, lda, beta, d, diagonal, c);
  }

  template <class T>
  static void attention_forward(Context& context, const AttentionProblem& problem, const T* qkv,
                                T* out, T* log_sum_exp) {
    cpu::attention_forward(context, problem, qkv, out, log_sum_exp);
  }

  template <class T>
  static void attention_backward(Context& context, const AttentionProblem& problem, const T* qkv,
                                 const T* out, const T* log_sum_exp, const T* out_gradient,
                                 T* qkv_gradient) {
    cpu::attention_backward(context, problem, qkv, out, log_sum_exp, out_gradient, qkv_gradient);
  }

  template <class T>
  static void attention_decode(Context& context, const AttentionProblem& problem, const Index* past,
                               const T* qkv, T* keys, T* values, Index capacity, T* out) {
    cpu::attention_decode(context, problem, past, qkv, keys, values, capacity, out);
  }

  template <class Activation, class T>
  static void activation_forward(Context& context, Index n, const T* x, T* y) {
    cpu::activation_forward<Activation>(context, n, x, y);
  }

  template <class Activation, class T>
  static void activation_backward(Context& context, Index n, const T* x, const T* y_gradient,
                                  T* x_gradient) {
    cpu::activation_backward<Activation>(context, n, x, y_gradient, x_gradient);
  }

  template <class T>
  static void heads_forward(Context& context, const AttentionProblem& problem,
                            const HeadTransform<T>& transform, T* qkv, T* scale) {
    cpu::heads_forward(context, problem, transform, qkv, scale);
  }

  template <class T>
  static void heads_backward(Context& context, const AttentionProblem& problem,
                             const HeadTransform<T>& transform, const T* qkv, const T* scale,
                             T* qkv_gradient) {
    cpu::heads_backward(context, problem, transform, qkv, scale, qkv_gradient);
  }

  template <class Activation, class T>
  static void gate_forward(Context& context, Index rows, Index hidden, const T* preactivation,
                           T* gated) {
    cpu::gate_forward<Activation>(context, rows, hidden, preactivation, gated);
  }

  template <class Activation, class T>
  static void gate_backward(Context& context, Index rows, Index hidden, const T* preactivation,
                            T* gated, T* preactivation_gradient) {
    cpu::gate_backward<Activation>(context, rows, hidden, preactivation, gated,
                                   preactivation_gradient);
  }

  template <class T>
  static void embedding_forward(Context& context, Index batch, Index length, Index width,
                                const std::int32_t* ids, const T* tokens, const T* positions,
                                T* out) {
    cpu::embedding_forward(context, batch, length, width, ids, tokens, positions, out);
  }

  template <class T>
  static void embedding_backward(Context& context, Index batch, Index length, Index width,
                                 const std::int32_t* ids, const T* out_gradient, T* tokens_gradient,
                                 T* positions_gradient) {
    cpu::embedding_backward(context, batch, length, width, ids, out_gradient, tokens_gradient,
                            positions_gradient);
  }

  template <class T>
  static void cross_entropy(Context& context, Index rows, Index vocabulary, T* logits,
                            const std::int32_t* targets, double gradient_scale, double* losses,
                            double soft_cap = 0) {
    cpu::cross_entropy(context, rows, vocabulary, logits, targets, gradient_scale, losses,
                       soft_cap);
  }

  template <class T>
  OPTIFORM_INLINE static void exp_in_place(Index n, T* x) {
    cpu::exp_in_place(n, x);
  }

  template <class T>
  static double sum_of_squares(Context& context, Index n, const T* x) {
    return cpu::sum_of_squares(context, n, x);
  }

  template <class T>
  static void column_sums(Context& context, Index rows, Index columns, const T* x, T* sums) {
    cpu::column_sums(context, rows, columns, x, sums);
  }

  template <class T>
  static void fill(Context& context, Index n, T value, T* x) {
    cpu::fill(context, n, value, x);
  }

  template <class T>
  static void copy(Context& context, Index n, const T* x, T* y) {
    cpu::copy(context, n, x, y);
  }
};

OPTIFORM_NAMESPACE_END
