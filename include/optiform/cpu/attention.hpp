// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/cpu/attention_tile.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/cpu/vector_math.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// Attention of one head of one sequence; what kernels<Reference> computes, in tiles.
///
/// Forward   a few queries at a time see a strip of scores, take its softmax and multiply it by
///           the values, all in the first-level cache. Only log(sum exp) is kept.
/// Backward  blocks of probabilities are computed again from log(sum exp) and used at once for all
///           three gradients. Nothing of size length x length exists.
/// Contract  operands are copied to dense, padded scratch, so that any head size and length runs
///           on whole registers; a causal tile stops at its diagonal.
/// Source    Dao, Fu, Ermon, Rudra, Re, "FlashAttention", arXiv 2205.14135, for the recomputation.
template <class T>
class HeadAttention {
  using Sizes = AttentionTile<T>;
  using P = Pack<T>;
  static constexpr Index rows = Sizes::rows, columns = Sizes::columns, block = Sizes::block;
  static constexpr Index width = Sizes::width;

 public:
  explicit HeadAttention(const AttentionProblem& problem)
      : p_(problem),
        dim_(problem.head_dim),
        padded_dim_(round_up(problem.head_dim, width)),
        padded_length_(round_up(problem.length, block)) {}

  Index forward_bytes() const {
    return pieces(padded_length_ * dim_) + pieces(p_.length * padded_dim_) +
           2 * pieces(rows * padded_dim_) + pieces(rows * strip_stride());
  }

  void forward(Index batch, Index head, const T* qkv, T* out, T* log_sum_exp,
               std::byte* scratch) const {
    ScratchPieces pieces(scratch);
    T* keys = pieces.take<T>(padded_length_ * dim_);
    T* values = pieces.take<T>(p_.length * padded_dim_);
    T* query = pieces.take<T>(rows * padded_dim_);
    T* result = pieces.take<T>(rows * padded_dim_);
    T* strip = pieces.take<T>(rows * strip_stride());
    Index loaded = 0;
    for (Index row = 0; row < p_.length; row += rows) {
      const Index count = std::min(rows, p_.length - row);
      const Index needed = p_.end_seen(row + count - 1);
      for (; loaded < needed; loaded += columns) {
        const Index n = std::min(columns, p_.length - loaded);
        transpose_to_panels(n, dim_, qkv + p_.key_at(batch, loaded, head / p_.group()), stride(),
                            keys + loaded * dim_);
        copy_rows(n, dim_, qkv + p_.value_at(batch, loaded, head / p_.group()), stride(), T(1),
                  values + loaded * padded_dim_, padded_dim_);
      }
      // What the next keys' turn will need comes while these queries are worked on.
      if (const Index next = row + columns; next < p_.length)
        for (const Index at :
             {p_.query_at(batch, next, head), p_.key_at(batch, next, head / p_.group()),
              p_.value_at(batch, next, head / p_.group())})
          prefetch_rows(std::min(rows, p_.length - next), dim_, qkv + at, stride());
      copy_rows(count, dim_, qkv + p_.query_at(batch, row, head), stride(),
                static_cast<T>(p_.scale), query, padded_dim_);
      zero_rows(count, rows, query);
      const Index seen = needed;
      T* o = out + p_.out_at(batch, row, head);
      prefetch_rows<true>(count, dim_, o, p_.heads * dim_);
      multiply_panels(seen, query, keys, strip, strip_stride());
      T inverse[rows];
      for (Index i = 0; i < rows; ++i) {
        const Index t = std::min(row + i, p_.length - 1);
        const SoftmaxSums sums =
            softmax_row(strip + i * strip_stride(), p_.first_seen(t), p_.end_seen(t), seen);
        inverse[i] = 1 / sums.total;
        if (i < count)
          log_sum_exp[(batch * p_.heads + head) * p_.length + row + i] =
              sums.largest + std::log(sums.total);
      }
      multiply<false, false>(rows, padded_dim_, seen, strip, strip_stride(), values, padded_dim_,
                             result, padded_dim_);
      for (Index i = 0; i < count; ++i)
        copy_rows_back(1, dim_, result + i * padded_dim_, padded_dim_, inverse[i],
                       o + i * p_.heads * dim_, p_.heads * dim_);
    }
  }

  Index backward_bytes() const {
    return 2 * pieces(padded_length_ * dim_) + 3 * pieces(padded_length_ * padded_dim_) +
           3 * pieces(block * padded_dim_) + 2 * pieces(block * block) + 2 * pieces(block);
  }

  void backward(Index batch, Index key_head, const T* qkv, const T* out, const T* log_sum_exp,
                const T* out_gradient, T* qkv_gradient, std::byte* scratch) const {
    ScratchPieces pieces(scratch);
    BackwardBuffers s;
    s.key_panels = pieces.take<T>(padded_length_ * dim_);
    s.value_panels = pieces.take<T>(padded_length_ * dim_);
    s.keys = pieces.take<T>(padded_length_ * padded_dim_);
    s.key_gradient = pieces.take<T>(padded_length_ * padded_dim_);
    s.value_gradient = pieces.take<T>(padded_length_ * padded_dim_);
    s.query = pieces.take<T>(block * padded_dim_);
    s.query_gradient = pieces.take<T>(block * padded_dim_);
    s.out_gradient = pieces.take<T>(block * padded_dim_);
    s.probability = pieces.take<T>(block * block);
    s.score_gradient = pieces.take<T>(block * block);
    s.log_sum_exp = pieces.take<T>(block);
    s.offset = pieces.take<T>(block);
    std::fill_n(s.key_gradient, padded_length_ * padded_dim_, T(0));
    std::fill_n(s.value_gradient, padded_length_ * padded_dim_, T(0));
    Index loaded = 0;
    for (Index head = key_head * p_.group(); head < (key_head + 1) * p_.group(); ++head)
      for (Index row = 0; row < p_.length; row += block)
        backward_queries(batch, head, row, qkv, out, log_sum_exp, out_gradient, qkv_gradient,
                         loaded, s);
    copy_rows_back(p_.length, dim_, s.key_gradient, padded_dim_, T(1),
                   qkv_gradient + p_.key_at(batch, 0, key_head), stride());
    copy_rows_back(p_.length, dim_, s.value_gradient, padded_dim_, T(1),
                   qkv_gradient + p_.value_at(batch, 0, key_head), stride());
  }

 private:
  struct SoftmaxSums {
    T largest, total;
  };
  struct BackwardBuffers {
    T *key_panels, *value_panels;              // transposed
    T *keys, *key_gradient, *value_gradient;   // [length, padded_dim]
    T *query, *query_gradient, *out_gradient;  // [block, padded_dim]
    T *probability, *score_gradient;           // [block, block]
    T *log_sum_exp, *offset;                   // [block]
  };

  static Index pieces(Index elements) { return ScratchPieces::bytes<T>(elements); }
  /// Distance between two tokens of qkv.
  Index stride() const { return p_.token_stride(); }
  /// Distance between two rows of scores; not a power of two, which would share cache sets.
  Index strip_stride() const { return padded_length_ + width; }
  void zero_rows(Index first, Index last, T* x) const {
    if (first < last) std::fill(x + first * padded_dim_, x + last * padded_dim_, T(0));
  }

  /// A block of queries against all the keys it sees; keys are loaded when first seen.
  void backward_queries(Index batch, Index head, Index row, const T* qkv, const T* out,
                        const T* log_sum_exp, const T* out_gradient, T* qkv_gradient, Index& loaded,
                        const BackwardBuffers& s) const {
    const Index count = std::min(block, p_.length - row), kv = head / p_.group();
    const Index seen = p_.end_seen(row + count - 1);
    for (; loaded < seen; loaded += block) {
      const Index n = std::min(block, p_.length - loaded);
      copy_rows(n, dim_, qkv + p_.key_at(batch, loaded, kv), stride(), T(1),
                s.keys + loaded * padded_dim_, padded_dim_);
      transpose_to_panels(n, dim_, s.keys + loaded * padded_dim_, padded_dim_,
                          s.key_panels + loaded * dim_);
      transpose_to_panels(n, dim_, qkv + p_.value_at(batch, loaded, kv), stride(),
                          s.value_panels + loaded * dim_);
    }
    const Index here = p_.out_at(batch, row, head);
    load_query_block(count, qkv + p_.query_at(batch, row, head), out + here, out_gradient + here,
                     log_sum_exp + (batch * p_.heads + head) * p_.length + row, s);
    for (Index key = p_.first_seen(row) / block * block; key < seen; key += block) {
      const Index keys = std::min(block, p_.length - key);
      const bool diagonal = p_.causal && key == row;
      for (Index r = 0; r < count; r += rows) probabilities(row, r, key, diagonal, keys, s);
      backward_products(count, key, keys, diagonal, s);
    }
    copy_rows_back(count, dim_, s.query_gradient, padded_dim_, static_cast<T>(p_.scale),
                   qkv_gradient + p_.query_at(batch, row, head), stride());
  }

  /// c = a panels for a tile of rows and `seen` columns; panels as transpose_to_panels makes them.
  void multiply_panels(Index seen, const T* a, const T* panels, T* c, Index ldc) const {
    for (Index at = 0; at < seen; at += columns)
      multiply<false, false>(rows, std::min(columns, seen - at), dim_, a, padded_dim_,
                             panels + at * dim_, columns, c + at, ldc);
  }

  /// s[first..end) := exp(s - max), zeros before it and up to `seen` rounded up.
  static SoftmaxSums softmax_row(T* s, Index first, Index end, Index seen) {
    const P none(std::numeric_limits<T>::lowest());
    P largest = none;
    // What lies outside belongs to keys that this query must not see.
    for (Index i = 0; i < seen; i += width) {
      P score = P::load(s + i);
      if (i < first || i + width > end) {
        const P at = P::iota() + P(static_cast<T>(i));
        score = select(at < P(static_cast<T>(end)), score, none);
        score = select(at < P(static_cast<T>(first)), none, score);
        score.store(s + i);
      }
      largest = max(largest, score);
    }
    const T top = max_lane(largest);
    P total(T(0));
    for (Index i = 0; i < seen; i += width) {
      const P e = optiform::detail::exp_or_zero(P::load(s + i) - P(top));
      e.store(s + i);
      total += e;
    }
    return {top, sum(total)};
  }

  /// Copies a block of queries (scaled) and output gradients; offset_t = do_t . o_t.
  void load_query_block(Index count, const T* query, const T* out, const T* out_gradient,
                        const T* log_sum_exp, const BackwardBuffers& s) const {
    copy_rows(count, dim_, query, stride(), static_cast<T>(p_.scale), s.query, padded_dim_);
    copy_rows(count, dim_, out_gradient, p_.heads * dim_, T(1), s.out_gradient, padded_dim_);
    zero_rows(count, block, s.query);
    zero_rows(count, block, s.out_gradient);
    zero_rows(0, block, s.query_gradient);
    for (Index i = 0; i < block; ++i) s.log_sum_exp[i] = i < count ? log_sum_exp[i] : T(0);
    for (Index i = 0; i < block; ++i) {
      P dot(T(0));
      if (i < count) {
        const T* o = out + i * p_.heads * dim_;
        for (Index c = 0; c < dim_; c += width)
          dot = fma(P::load(o + c, dim_ - c), P::load(s.out_gradient + i * padded_dim_ + c), dot);
      }
      s.offset[i] = sum(dot);
    }
  }

  /// A tile of queries against the keys it sees in one block:
  /// probability = exp(q . k - log_sum_exp); score_gradient = probability (do . v - offset).
  void probabilities(Index row, Index r, Index key, bool diagonal, Index keys,
                     const BackwardBuffers& s) const {
    const Index seen = diagonal ? std::min(keys, r + rows) : keys;
    T* probability = s.probability + r * block;
    T* score_gradient = s.score_gradient + r * block;
    multiply_panels(seen, s.query + r * padded_dim_, s.key_panels + key * dim_, probability, block);
    multiply_panels(seen, s.out_gradient + r * padded_dim_, s.value_panels + key * dim_,
                    score_gradient, block);
    for (Index i = r; i < r + rows; ++i, probability += block, score_gradient += block) {
      const P shift(s.log_sum_exp[i]), offset(s.offset[i]);
      const Index t = std::min(row + i, p_.length - 1);
      const Index first = p_.first_seen(t) - key, end = p_.end_seen(t) - key;
      for (Index c = 0; c < seen; c += width) {
        P e = optiform::detail::exp_or_zero(P::load(probability + c) - shift);
        if (c < first || c + width > end) {
          const P at = P::iota() + P(static_cast<T>(c));
          e = select(at < P(static_cast<T>(end)), e, P(T(0)));
          e = select(at < P(static_cast<T>(first)), P(T(0)), e);
        }
        e.store(probability + c);
        (e * (P::load(score_gradient + c) - offset)).store(score_gradient + c);
      }
    }
  }

  /// The three products of one block of probabilities.
  void backward_products(Index count, Index key, Index keys, bool diagonal,
                         const BackwardBuffers& s) const {
    T* key_gradient = s.key_gradient + key * padded_dim_;
    T* value_gradient = s.value_gradient + key * padded_dim_;
    multiply<true, true>(keys, padded_dim_, count, s.probability, block, s.out_gradient,
                         padded_dim_, value_gradient, padded_dim_, diagonal);
    multiply<true, true>(keys, padded_dim_, count, s.score_gradient, block, s.query, padded_dim_,
                         key_gradient, padded_dim_, diagonal);
    multiply<false, true>(count, padded_dim_, keys, s.score_gradient, block,
                          s.keys + key * padded_dim_, padded_dim_, s.query_gradient, padded_dim_,
                          diagonal);
  }

  AttentionProblem p_;
  Index dim_, padded_dim_, padded_length_;
};

/// Every head of every sequence is a task.
template <class Context, class T>
void attention_forward(Context& context, const AttentionProblem& problem, const T* qkv, T* out,
                       T* log_sum_exp) {
  check(problem);
  const HeadAttention<T> attention(problem);
  context.reserve_scratch(attention.forward_bytes());
  context.parallel(problem.batch * problem.heads, [&](Index task, int thread) {
    attention.forward(task / problem.heads, task % problem.heads, qkv, out, log_sum_exp,
                      context.scratch(thread, attention.forward_bytes()));
  });
}

template <class Context, class T>
void attention_backward(Context& context, const AttentionProblem& problem, const T* qkv,
                        const T* out, const T* log_sum_exp, const T* out_gradient,
                        T* qkv_gradient) {
  check(problem);
  const HeadAttention<T> attention(problem);
  context.reserve_scratch(attention.backward_bytes());
  const Index heads = problem.key_heads();
  context.parallel(problem.batch * heads, [&](Index task, int thread) {
    attention.backward(task / heads, task % heads, qkv, out, log_sum_exp, out_gradient,
                       qkv_gradient, context.scratch(thread, attention.backward_bytes()));
  });
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
