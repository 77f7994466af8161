// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>
#include <optiform/cpu/backend.hpp>
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

  /// Runs a row program; see RowArguments.
  template <class P, Index Length = 0, class T>
  static void run_rows(Context&, const RowArguments<T>& a) {
    ReferenceRows<P, T>::run(a);
  }

  /// Runs an elementwise row program on arrays 0 .. count - 1, in any order and grouping.
  /// Contract  arguments(Index i) returns the RowArguments of array i.
  template <class P, class F>
  static void run_rows_batch(Context& context, Index count, F&& arguments) {
    for (Index i = 0; i < count; ++i) run_rows<P>(context, arguments(i));
  }

  /// C = alpha op(A) op(B) + beta C.
  ///
  /// Shapes    op(A) [m, k], op(B) [k, n], C [m, n].
  /// Limits    beta == 0 never reads C, so that C may start as garbage.
  template <class T>
  static void gemm(Context&, Transpose ta, Transpose tb, Index m, Index n, Index k, T alpha,
                   const T* a, Index lda, const T* b, Index ldb, T beta, T* c, Index ldc) {
    for (Index i = 0; i < m; ++i) {
      for (Index j = 0; j < n; ++j) {
        T sum(0);
        for (Index l = 0; l < k; ++l) {
          const T a_il = ta == Transpose::no ? a[i * lda + l] : a[l * lda + i];
          const T b_lj = tb == Transpose::no ? b[l * ldb + j] : b[j * ldb + l];
          sum += a_il * b_lj;
        }
        T& c_ij = c[i * ldc + j];
        c_ij = beta == T(0) ? alpha * sum : alpha * sum + beta * c_ij;
      }
    }
  }

  /// C = alpha op(A) op(A)^T + beta D + diagonal I, for a symmetric D.
  ///
  /// Shapes    op(A) [n, k], stored with leading dimension lda; C = [n, n] and D [n, n], dense.
  /// Contract  C overlaps neither A nor D. Fast backends compute one triangle and mirror it.
  /// Limits    beta == 0 never reads D, which may be null.
  template <class T>
  static void symmetric_product(Context&, Transpose transpose, Index n, Index k, T alpha,
                                const T* a, Index lda, T beta, const T* d, T diagonal, T* c) {
    reference::symmetric_product(transpose, n, k, alpha, a, lda, beta, d, diagonal, c);
  }

  /// out = softmax(scale q k^T) v for every sequence and head; log_sum_exp is kept for backward.
  ///
  /// Shapes    qkv [batch, length, 3, heads, head_dim]; out = [batch, length, heads, head_dim];
  ///           log_sum_exp = [batch, heads, length].
  /// Limits    causal: position t sees positions 0..t; the first one copies its own value.
  template <class T>
  static void attention_forward(Context&, const AttentionProblem& p, const T* qkv, T* out,
                                T* log_sum_exp) {
    using std::exp, std::log;
    std::vector<T> score(static_cast<std::size_t>(p.length));
    for (Index b = 0; b < p.batch; ++b) {
      for (Index h = 0; h < p.heads; ++h) {
        for (Index t = 0; t < p.length; ++t) {
          const Index seen = p.causal ? t + 1 : p.length;
          const T* q = at(p, qkv, b, t, 0, h);
          for (Index s = 0; s < seen; ++s)
            score[index(s)] = T(p.scale) * dot(p.head_dim, q, at(p, qkv, b, s, 1, h));
          T largest = score[0];
          for (Index s = 1; s < seen; ++s)
            if (largest < score[index(s)]) largest = score[index(s)];
          T sum(0);
          for (Index s = 0; s < seen; ++s) sum += exp(score[index(s)] - largest);
          const T lse = largest + log(sum);
          log_sum_exp[(b * p.heads + h) * p.length + t] = lse;
          T* o = out + ((b * p.length + t) * p.heads + h) * p.head_dim;
          for (Index i = 0; i < p.head_dim; ++i) o[i] = T(0);
          for (Index s = 0; s < seen; ++s) {
            const T probability = exp(score[index(s)] - lse);
            const T* v = at(p, qkv, b, s, 2, h);
            for (Index i = 0; i < p.head_dim; ++i) o[i] += probability * v[i];
          }
        }
      }
    }
  }

  /// The derivative of attention_forward; probabilities are recomputed from log_sum_exp.
  ///
  ///   dv_s += p_ts do_t;   dz_ts = p_ts (do_t . v_s - do_t . o_t)
  ///   dq_t += scale dz_ts k_s;   dk_s += scale dz_ts q_t
  ///
  /// Shapes    as above; qkv_gradient = like qkv.
  template <class T>
  static void attention_backward(Context&, const AttentionProblem& p, const T* qkv, const T* out,
                                 const T* log_sum_exp, const T* out_gradient, T* qkv_gradient) {
    using std::exp;
    for (Index i = 0; i < p.batch * p.length * 3 * p.heads * p.head_dim; ++i)
      qkv_gradient[i] = T(0);
    for (Index b = 0; b < p.batch; ++b) {
      for (Index h = 0; h < p.heads; ++h) {
        for (Index t = 0; t < p.length; ++t) {
          const Index seen = p.causal ? t + 1 : p.length;
          const Index row = ((b * p.length + t) * p.heads + h) * p.head_dim;
          const T lse = log_sum_exp[(b * p.heads + h) * p.length + t];
          const T* q = at(p, qkv, b, t, 0, h);
          const T* o_gradient = out_gradient + row;
          const T offset = dot(p.head_dim, o_gradient, out + row);
          T* q_gradient = at(p, qkv_gradient, b, t, 0, h);
          for (Index s = 0; s < seen; ++s) {
            const T* k = at(p, qkv, b, s, 1, h);
            const T* v = at(p, qkv, b, s, 2, h);
            T* k_gradient = at(p, qkv_gradient, b, s, 1, h);
            T* v_gradient = at(p, qkv_gradient, b, s, 2, h);
            const T probability = exp(T(p.scale) * dot(p.head_dim, q, k) - lse);
            const T score_gradient =
                T(p.scale) * probability * (dot(p.head_dim, o_gradient, v) - offset);
            for (Index i = 0; i < p.head_dim; ++i) {
              v_gradient[i] += probability * o_gradient[i];
              q_gradient[i] += score_gradient * k[i];
              k_gradient[i] += score_gradient * q[i];
            }
          }
        }
      }
    }
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

  /// out[b, t, :] = tokens[ids[b, t], :] + positions[t, :].
  ///
  /// Shapes    ids [batch, length]; tokens [vocabulary, width]; positions [>= length, width];
  ///           out = [batch, length, width].
  template <class T>
  static void embedding_forward(Context&, Index batch, Index length, Index width,
                                const std::int32_t* ids, const T* tokens, const T* positions,
                                T* out) {
    for (Index r = 0; r < batch * length; ++r)
      for (Index i = 0; i < width; ++i)
        out[r * width + i] = tokens[ids[r] * width + i] + positions[r % length * width + i];
  }

  /// tokens_gradient[ids[b, t], :] += out_gradient[b, t, :]; positions_gradient[t, :] likewise.
  template <class T>
  static void embedding_backward(Context&, Index batch, Index length, Index width,
                                 const std::int32_t* ids, const T* out_gradient, T* tokens_gradient,
                                 T* positions_gradient) {
    for (Index r = 0; r < batch * length; ++r) {
      for (Index i = 0; i < width; ++i) {
        tokens_gradient[ids[r] * width + i] += out_gradient[r * width + i];
        positions_gradient[r % length * width + i] += out_gradient[r * width + i];
      }
    }
  }

  /// losses[r] = log(sum exp logits[r, :]) - logits[r, targets[r]], and the gradient in place.
  ///
  /// Shapes    logits [rows, vocabulary]; targets [rows]; losses = [rows].
  /// Contract  gradient_scale != 0: logits := gradient_scale (softmax - onehot); 0: untouched.
  template <class T>
  static void cross_entropy(Context&, Index rows, Index vocabulary, T* logits,
                            const std::int32_t* targets, double gradient_scale, double* losses) {
    using std::exp, std::log;
    for (Index r = 0; r < rows; ++r) {
      T* z = logits + r * vocabulary;
      OPTIFORM_ASSERT(targets[r] >= 0 && targets[r] < vocabulary,
                      "cross_entropy: a target lies outside the vocabulary");
      T largest = z[0];
      for (Index j = 1; j < vocabulary; ++j)
        if (largest < z[j]) largest = z[j];
      T sum(0);
      for (Index j = 0; j < vocabulary; ++j) sum += exp(z[j] - largest);
      losses[r] = static_cast<double>(log(sum) - (z[targets[r]] - largest));
      if (gradient_scale == 0) continue;
      for (Index j = 0; j < vocabulary; ++j)
        z[j] = T(gradient_scale) * (exp(z[j] - largest) / sum - T(j == targets[r] ? 1 : 0));
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

  template <class T>
  static void fill(Context&, Index n, T value, T* x) {
    for (Index i = 0; i < n; ++i) x[i] = value;
  }

  /// y = x; the arrays do not overlap.
  template <class T>
  static void copy(Context&, Index n, const T* x, T* y) {
    for (Index i = 0; i < n; ++i) y[i] = x[i];
  }

 private:
  static constexpr std::size_t index(Index i) { return static_cast<std::size_t>(i); }

  /// The query (0), key (1) or value (2) of one head at one position.
  template <class T>
  static T* at(const AttentionProblem& p, T* qkv, Index b, Index t, Index which, Index h) {
    return qkv + (((b * p.length + t) * 3 + which) * p.heads + h) * p.head_dim;
  }

  template <class T>
  static T dot(Index n, const T* x, const T* y) {
    T sum(0);
    for (Index i = 0; i < n; ++i) sum += x[i] * y[i];
    return sum;
  }
};

OPTIFORM_NAMESPACE_END
