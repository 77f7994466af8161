// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/core/epilogue.hpp>
#include <optiform/core/error.hpp>
#include <optiform/cpu/backend.hpp>
#include <optiform/cpu/reference_attention.hpp>
#include <optiform/cpu/reference_decode.hpp>
#include <optiform/cpu/reference_oracles.hpp>
#include <optiform/cpu/reference_rows.hpp>
#include <optiform/cpu/reference_symmetric_product.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What the Reference backend needs at run time: nothing. It takes a context's place in code that
/// is written for any backend.
class ReferenceContext {
 public:
  ReferenceContext() = default;
  /// The number of threads is accepted and ignored.
  explicit ReferenceContext(int) {}

  int threads() const { return 1; }
  static int threads_of(int) { return 1; }
  Index scratch_bytes() const { return 0; }
  template <class F>
  void parallel(Index tasks, F&& f) {
    for (Index task = 0; task < tasks; ++task) f(task, 0);
  }
};

/// The specification of every kernel: plain loops over any scalar.
///
/// Shapes    matrices are row-major with a leading dimension; [a, b, c] names a dense array.
/// Contract  outputs marked = are overwritten, += are accumulated; inputs never alias outputs
///           unless a kernel says so. Temporaries are allocated: this backend is for checking.
/// Limits    float, double, Dual<double> and whatever else has + - * / < exp log erf. Losses
///           and sums of squares are plain doubles, so a Dual loses its derivative there.
/// See       kernels<Cpu>, which computes the same functions fast.
template <>
struct kernels<Reference> {
  using Context = ReferenceContext;

  /// Runs a row program; see RowArguments. Row operations take a row for heads x head_dim.
  template <class P, Index Length = 0, int Heads = 0, class T>
  static void run_rows(Context&, const RowArguments<T>& a) {
    ReferenceRows<P, T, unit_shape<P, Length, Heads>()>::run(a);
  }

  /// Runs an elementwise row program on arrays 0 .. count - 1, in any order and grouping.
  /// Contract  arguments(Index i) returns the RowArguments of array i.
  template <class P, class F>
  static void run_rows_batch(Context& context, Index count, F&& arguments) {
    for (Index i = 0; i < count; ++i) run_rows<P>(context, arguments(i));
  }

  /// C = epilogue(alpha op(A) op(B) + beta C).
  ///
  /// Shapes    op(A) [m, k], op(B) [k, n], C [m, n].
  /// Limits    beta == 0 never reads C, so that C may start as garbage.
  template <class T, class Epilogue = NoEpilogue>
  static void gemm(Context&, Transpose ta, Transpose tb, Index m, Index n, Index k, T alpha,
                   const T* a, Index lda, const T* b, Index ldb, T beta, T* c, Index ldc,
                   const Epilogue& epilogue = {}) {
    for (Index i = 0; i < m; ++i) {
      for (Index j = 0; j < n; ++j) {
        T sum(0);
        for (Index l = 0; l < k; ++l) {
          const T a_il = ta == Transpose::no ? a[i * lda + l] : a[l * lda + i];
          const T b_lj = tb == Transpose::no ? b[l * ldb + j] : b[j * ldb + l];
          sum += a_il * b_lj;
        }
        T& c_ij = c[i * ldc + j];
        const T value = beta == T(0) ? alpha * sum : alpha * sum + beta * c_ij;
        c_ij = epilogue(value, ScalarPlace{i, j});
      }
    }
  }

  /// y = epilogue(x w^T), of sizes known when compiling.
  ///
  /// Shapes    x [rows, In], w [Out, In], y = [rows, Out].
  template <Index Out, Index In, class T, class Epilogue = NoEpilogue>
  static void linear(Context& context, Index rows, const T* x, const T* w, T* y,
                     const Epilogue& epilogue = {}) {
    gemm(context, Transpose::no, Transpose::yes, rows, Out, In, T(1), x, In, w, In, T(0), y, Out,
         epilogue);
  }

  /// C = alpha op(A) op(A)^T + beta D + diagonal I, for a symmetric D.
  ///
  /// Shapes    op(A) [n, k], stored with leading dimension lda; C = [n, n] and D [n, n], dense.
  /// Contract  C may be D, and overlaps neither otherwise. Fast backends mirror one triangle.
  /// Limits    beta == 0 never reads D, which may be null.
  template <class T>
  static void symmetric_product(Context&, Transpose transpose, Index n, Index k, T alpha,
                                const T* a, Index lda, T beta, const T* d, T diagonal, T* c) {
    reference::symmetric_product(transpose, n, k, alpha, a, lda, beta, d, diagonal, c);
  }

  /// out = softmax(scale q k^T) v for every sequence and head; log_sum_exp is kept for backward.
  /// See ReferenceAttention.
  template <class T>
  static void attention_forward(Context&, const AttentionProblem& problem, const T* qkv, T* out,
                                T* log_sum_exp) {
    ReferenceAttention<T>(problem).forward(qkv, out, log_sum_exp);
  }

  /// The derivative of attention_forward.
  template <class T>
  static void attention_backward(Context&, const AttentionProblem& problem, const T* qkv,
                                 const T* out, const T* log_sum_exp, const T* out_gradient,
                                 T* qkv_gradient) {
    ReferenceAttention<T>(problem).backward(qkv, out, log_sum_exp, out_gradient, qkv_gradient);
  }

  /// Causal attention of problem.length new tokens per sequence, of which the first follows
  /// past[b] others: appends their keys and values to the caches, then attends over those.
  ///
  /// Shapes    past [batch]; qkv as above; keys, values += [batch, kv_heads, capacity, head_dim];
  ///           out = [batch, length, heads, head_dim].
  /// Contract  past[b] + length <= capacity. Sequences do not see each other.
  template <class T>
  static void attention_decode(Context&, const AttentionProblem& problem, const Index* past,
                               const T* qkv, T* keys, T* values, Index capacity, T* out) {
    reference::attention_decode(problem, past, qkv, keys, values, capacity, out);
  }

  /// y = Activation(x), element by element; y may be x.
  template <class Activation, class T>
  static void activation_forward(Context&, Index n, const T* x, T* y) {
    for (Index i = 0; i < n; ++i) y[i] = Activation::value(x[i]);
  }

  /// x_gradient = y_gradient Activation'(x); x_gradient may be y_gradient.
  template <class Activation, class T>
  static void activation_backward(Context&, Index n, const T* x, const T* y_gradient,
                                  T* x_gradient) {
    for (Index i = 0; i < n; ++i) x_gradient[i] = y_gradient[i] * Activation::derivative(x[i]);
  }

  /// Norm and rotation of queries and keys, in place; see ReferenceHeads.
  template <class T>
  static void heads_forward(Context&, const AttentionProblem& p, const HeadTransform<T>& transform,
                            T* qkv, T* scale) {
    ReferenceHeads<T>::forward(p, transform, qkv, scale);
  }
  template <class T>
  static void heads_backward(Context&, const AttentionProblem& p, const HeadTransform<T>& transform,
                             const T* qkv, const T* scale, T* qkv_gradient) {
    ReferenceHeads<T>::backward(p, transform, qkv, scale, qkv_gradient);
  }

  /// The gate of a GatedMlp; see ReferenceGate.
  template <class Activation, class T>
  static void gate_forward(Context&, Index rows, Index hidden, const T* preactivation, T* gated) {
    ReferenceGate<Activation, T>::forward(rows, hidden, preactivation, gated);
  }
  template <class Activation, class T>
  static void gate_backward(Context&, Index rows, Index hidden, const T* preactivation, T* gated,
                            T* preactivation_gradient) {
    ReferenceGate<Activation, T>::backward(rows, hidden, preactivation, gated,
                                           preactivation_gradient);
  }

  /// out[b, t, :] = tokens[ids[b, t], :] + positions[t, :]; positions may be null: zeros.
  ///
  /// Shapes    ids [batch, length]; tokens [vocabulary, width]; positions [>= length, width];
  ///           out = [batch, length, width].
  template <class T>
  static void embedding_forward(Context&, Index batch, Index length, Index width,
                                const std::int32_t* ids, const T* tokens, const T* positions,
                                T* out) {
    for (Index r = 0; r < batch * length; ++r)
      for (Index i = 0; i < width; ++i)
        out[r * width + i] = tokens[ids[r] * width + i] +
                             (positions != nullptr ? positions[r % length * width + i] : T(0));
  }

  /// tokens_gradient[ids[b, t], :] += out_gradient[b, t, :]; positions_gradient[t, :] likewise,
  /// where it is not null.
  template <class T>
  static void embedding_backward(Context&, Index batch, Index length, Index width,
                                 const std::int32_t* ids, const T* out_gradient, T* tokens_gradient,
                                 T* positions_gradient) {
    for (Index r = 0; r < batch * length; ++r) {
      for (Index i = 0; i < width; ++i) {
        tokens_gradient[ids[r] * width + i] += out_gradient[r * width + i];
        if (positions_gradient != nullptr)
          positions_gradient[r % length * width + i] += out_gradient[r * width + i];
      }
    }
  }

  /// losses[r] = log(sum exp z[r, :]) - z[r, targets[r]], and the gradient in place of the logits.
  ///
  ///   z = logits, or soft_cap tanh(logits / soft_cap) where soft_cap > 0
  ///
  /// Shapes    logits [rows, vocabulary]; targets [rows]; losses = [rows].
  /// Contract  gradient_scale != 0: logits := gradient_scale (softmax - onehot) dz/dlogits;
  ///           0: untouched.
  /// Errors    a negative soft_cap.
  template <class T>
  static void cross_entropy(Context&, Index rows, Index vocabulary, T* logits,
                            const std::int32_t* targets, double gradient_scale, double* losses,
                            double soft_cap = 0) {
    using std::exp, std::log, std::tanh;
    if (soft_cap < 0) fail("cross_entropy: soft_cap = ", soft_cap, "; expected 0 (none) or more");
    const T cap = T(soft_cap);
    const auto capped = [&](T logit) { return soft_cap == 0 ? logit : cap * tanh(logit / cap); };
    for (Index r = 0; r < rows; ++r) {
      T* z = logits + r * vocabulary;
      OPTIFORM_ASSERT(targets[r] >= 0 && targets[r] < vocabulary,
                      "cross_entropy: a target lies outside the vocabulary");
      T largest = capped(z[0]);
      for (Index j = 1; j < vocabulary; ++j)
        if (largest < capped(z[j])) largest = capped(z[j]);
      T sum(0);
      for (Index j = 0; j < vocabulary; ++j) sum += exp(capped(z[j]) - largest);
      losses[r] = static_cast<double>(log(sum) - (capped(z[targets[r]]) - largest));
      if (gradient_scale == 0) continue;
      for (Index j = 0; j < vocabulary; ++j) {
        const T value = capped(z[j]);
        const T slope = soft_cap == 0 ? T(1) : T(1) - value / cap * (value / cap);
        z[j] =
            T(gradient_scale) * slope * (exp(value - largest) / sum - T(j == targets[r] ? 1 : 0));
      }
    }
  }

  /// x = e^x, on the calling thread: for the few numbers of a table.
  template <class T>
  static void exp_in_place(Index n, T* x) {
    using std::exp;
    for (Index i = 0; i < n; ++i) x[i] = exp(x[i]);
  }

  /// The sum of x[i]^2 in double.
  template <class T>
  static double sum_of_squares(Context&, Index n, const T* x) {
    double sum = 0;
    for (Index i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    return sum;
  }

  /// sums[c] += the sum of x[:, c].
  ///
  /// Shapes    x [rows, columns]; sums [columns].
  template <class T>
  static void column_sums(Context&, Index rows, Index columns, const T* x, T* sums) {
    for (Index c = 0; c < columns; ++c) {
      T sum(0);
      for (Index r = 0; r < rows; ++r) sum += x[r * columns + c];
      sums[c] += sum;
    }
  }

  template <class T>
  static void fill(Context&, Index n, T value, T* x) {
    for (Index i = 0; i < n; ++i) x[i] = value;
  }

  /// y = x; the arrays do not overlap.
  template <class T>
  static void copy(Context&, Index n, const T* x, T* y) {
    for (Index i = 0; i < n; ++i) y[i] = x[i];
  }
};

OPTIFORM_NAMESPACE_END
