// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <optiform/core/dual.hpp>
#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Dual numbers at the speed of the CPU backend: exact Hessian-vector products of whole models.
/// What grows with a product of three sizes runs as real products on kernels<Cpu>, attention runs
/// one sequence per task; everything else is kernels<Reference>.
struct DualCpu {};

namespace detail {

/// A matrix of dual numbers as two dense real ones.
class SplitMatrix {
 public:
  void split(Index rows, Index columns, const Dual<double>* x, Index stride) {
    columns_ = columns;
    grow(rows * columns);
    moves_ = false;
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j) {
        const Dual<double> number = x[i * stride + j];
        value_[i * columns + j] = number.value;
        derivative_[i * columns + j] = number.derivative;
        moves_ |= number.derivative != 0;
      }
  }
  /// A place for a result.
  void reset(Index rows, Index columns) {
    columns_ = columns;
    grow(rows * columns);
    std::fill_n(derivative_.data(), rows * columns, 0.0);
  }

  Index stride() const { return columns_; }
  bool moves() const { return moves_; }  ///< whether any derivative differs from zero
  double* value() { return value_.data(); }
  double* derivative() { return derivative_.data(); }
  Dual<double> at(Index i, Index j) const {
    return {value_[i * columns_ + j], derivative_[i * columns_ + j]};
  }

 private:
  void grow(Index size) {
    if (value_.size() >= size) return;
    value_.reset(size);
    derivative_.reset(size);
  }

  Buffer<double> value_, derivative_;
  Index columns_ = 0;
  bool moves_ = false;
};

}  // namespace detail

/// Threads and scratch memory of a program on DualCpu.
class DualContext : public ReferenceContext {
 public:
  explicit DualContext(int threads = 0) : cpu(threads) {}
  int threads() const { return cpu.threads(); }
  static int threads_of(int threads) { return context_t<Cpu>::threads_of(threads); }

  context_t<Cpu> cpu;
  struct {
    detail::SplitMatrix left, right, product;
  } matrices;  ///< of one matrix product
};

/// See kernels<Reference> for the meaning of each argument.
///
/// Contract  (A + A' eps)(B + B' eps) = AB + (A'B + AB') eps: at most three products, one where
///           nothing has a derivative. Its scalar is Dual<double>.
template <>
struct kernels<DualCpu> : kernels<Reference> {
  using Context = DualContext;

  using Number = Dual<double>;

  template <class T, class Epilogue = NoEpilogue>
  static void gemm(Context& context, Transpose ta, Transpose tb, Index m, Index n, Index k,
                   Number alpha, const T* a, Index lda, const T* b, Index ldb, Number beta, T* c,
                   Index ldc, const Epilogue& epilogue = {}) {
    auto& [left, right, product] = context.matrices;
    const bool a_lies = ta == Transpose::yes, b_lies = tb == Transpose::yes;
    left.split(a_lies ? k : m, a_lies ? m : k, a, lda);
    right.split(b_lies ? n : k, b_lies ? k : n, b, ldb);
    product.reset(m, n);
    const Index left_stride = left.stride(), right_stride = right.stride();
    const auto multiply = [&](const double* x, const double* y, double kept, double* out) {
      kernels<Cpu>::gemm(context.cpu, ta, tb, m, n, k, 1.0, x, left_stride, y, right_stride, kept,
                         out, n);
    };
    multiply(left.value(), right.value(), 0, product.value());
    if (left.moves()) multiply(left.derivative(), right.value(), 0, product.derivative());
    if (right.moves()) multiply(left.value(), right.derivative(), 1, product.derivative());
    for (Index i = 0; i < m; ++i)
      for (Index j = 0; j < n; ++j) {
        Number& c_ij = c[i * ldc + j];
        const Number scaled = alpha * product.at(i, j);
        c_ij = epilogue(beta == Number(0) ? scaled : scaled + beta * c_ij, ScalarPlace{i, j});
      }
  }

  template <class T>
  static void attention_forward(Context& context, const AttentionProblem& problem, const T* qkv,
                                T* out, T* log_sum_exp) {
    each_sequence(context, problem, [&](const AttentionProblem& one, Index b) {
      ReferenceAttention<T>(one).forward(qkv + problem.query_at(b, 0, 0),
                                         out + problem.out_at(b, 0, 0),
                                         log_sum_exp + b * problem.heads * problem.length);
    });
  }

  template <class T>
  static void attention_backward(Context& context, const AttentionProblem& problem, const T* qkv,
                                 const T* out, const T* log_sum_exp, const T* out_gradient,
                                 T* qkv_gradient) {
    each_sequence(context, problem, [&](const AttentionProblem& one, Index b) {
      const Index in_at = problem.query_at(b, 0, 0), out_at = problem.out_at(b, 0, 0);
      ReferenceAttention<T>(one).backward(qkv + in_at, out + out_at,
                                          log_sum_exp + b * problem.heads * problem.length,
                                          out_gradient + out_at, qkv_gradient + in_at);
    });
  }

 private:
  template <class F>
  static void each_sequence(Context& context, AttentionProblem problem, F&& f) {
    const Index sequences = problem.batch;
    problem.batch = 1;
    context.cpu.parallel(sequences, [&](Index b, int) { f(problem, b); });
  }
};

OPTIFORM_NAMESPACE_END
