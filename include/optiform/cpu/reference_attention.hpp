// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <optiform/core/attention_problem.hpp>
#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Attention by the book: one query after the other, over any scalar.
///
///   p_ts = exp(scale q_t . k_s - lse_t),   lse_t = log sum_s exp(scale q_t . k_s),
///   o_t = sum_s p_ts v_s,   over the positions s that t sees
///
/// Shapes    see AttentionProblem; log_sum_exp [batch, heads, length]; qkv_gradient like qkv,
///           out_gradient like out.
/// Limits    causal: the first position copies its own value.
/// See       HeadAttention, which computes the same in tiles.
template <class T>
class ReferenceAttention {
 public:
  explicit ReferenceAttention(const AttentionProblem& problem) : p_(problem) { check(problem); }

  void forward(const T* qkv, T* out, T* log_sum_exp) const {
    using std::exp, std::log;
    std::vector<T> scores(static_cast<std::size_t>(p_.length));
    each_query([&](Index b, Index h, Index t) {
      const T* q = qkv + p_.query_at(b, t, h);
      const auto score = [&](Index s) -> T& { return scores[static_cast<std::size_t>(s)]; };
      const Index first = p_.first_seen(t), end = p_.end_seen(t), kv = h / p_.group();
      for (Index s = first; s < end; ++s)
        score(s) = T(p_.scale) * dot(q, qkv + p_.key_at(b, s, kv));
      T largest = score(first);
      for (Index s = first + 1; s < end; ++s)
        if (largest < score(s)) largest = score(s);
      T sum(0);
      for (Index s = first; s < end; ++s) sum += exp(score(s) - largest);
      const T lse = largest + log(sum);
      log_sum_exp[(b * p_.heads + h) * p_.length + t] = lse;
      T* o = out + p_.out_at(b, t, h);
      for (Index i = 0; i < p_.head_dim; ++i) o[i] = T(0);
      for (Index s = first; s < end; ++s) {
        const T probability = exp(score(s) - lse);
        const T* v = qkv + p_.value_at(b, s, kv);
        for (Index i = 0; i < p_.head_dim; ++i) o[i] += probability * v[i];
      }
    });
  }

  ///   dv_s += p_ts do_t;   dz_ts = p_ts (do_t . v_s - do_t . o_t)
  ///   dq_t += scale dz_ts k_s;   dk_s += scale dz_ts q_t
  void backward(const T* qkv, const T* out, const T* log_sum_exp, const T* out_gradient,
                T* qkv_gradient) const {
    using std::exp;
    for (Index i = 0; i < p_.batch * p_.length * p_.token_stride(); ++i) qkv_gradient[i] = T(0);
    each_query([&](Index b, Index h, Index t) {
      const T lse = log_sum_exp[(b * p_.heads + h) * p_.length + t];
      const T* q = qkv + p_.query_at(b, t, h);
      const T* o_gradient = out_gradient + p_.out_at(b, t, h);
      const T offset = dot(o_gradient, out + p_.out_at(b, t, h));
      T* q_gradient = qkv_gradient + p_.query_at(b, t, h);
      const Index kv = h / p_.group();
      for (Index s = p_.first_seen(t); s < p_.end_seen(t); ++s) {
        const T* k = qkv + p_.key_at(b, s, kv);
        T* k_gradient = qkv_gradient + p_.key_at(b, s, kv);
        T* v_gradient = qkv_gradient + p_.value_at(b, s, kv);
        const T probability = exp(T(p_.scale) * dot(q, k) - lse);
        const T score_gradient =
            T(p_.scale) * probability * (dot(o_gradient, qkv + p_.value_at(b, s, kv)) - offset);
        for (Index i = 0; i < p_.head_dim; ++i) {
          v_gradient[i] += probability * o_gradient[i];
          q_gradient[i] += score_gradient * k[i];
          k_gradient[i] += score_gradient * q[i];
        }
      }
    });
  }

 private:
  template <class F>
  void each_query(F&& f) const {
    for (Index b = 0; b < p_.batch; ++b)
      for (Index h = 0; h < p_.heads; ++h)
        for (Index t = 0; t < p_.length; ++t) f(b, h, t);
  }

  T dot(const T* x, const T* y) const {
    T sum(0);
    for (Index i = 0; i < p_.head_dim; ++i) sum += x[i] * y[i];
    return sum;
  }

  AttentionProblem p_;
};

OPTIFORM_NAMESPACE_END
