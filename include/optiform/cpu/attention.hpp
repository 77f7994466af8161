// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
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
      const Index needed = p_.causal ? row + count : p_.length;
      for (; loaded < needed; loaded += columns) {
        const Index n = std::min(columns, p_.length - loaded);
        transpose_to_panels(n, dim_, at(qkv, batch, loaded, 1, head), stride(),
                            keys + loaded * dim_);
        copy_rows(n, dim_, at(qkv, batch, loaded, 2, head), stride(), T(1),
                  values + loaded * padded_dim_, padded_dim_);
      }
      // What the next keys' turn will need comes while these queries are worked on.
      for (Index which = 0; which < 3 && row + columns < p_.length; ++which)
        prefetch_rows(std::min(rows, p_.length - row - columns), dim_,
                      at(qkv, batch, row + columns, which, head), stride());
      copy_rows(count, dim_, at(qkv, batch, row, 0, head), stride(), static_cast<T>(p_.scale),
                query, padded_dim_);
      zero_rows(count, rows, query);
      const Index seen = needed;
      T* o = out + ((batch * p_.length + row) * p_.heads + head) * dim_;
      prefetch_rows<true>(count, dim_, o, p_.heads * dim_);
      multiply_panels(seen, query, keys, strip, strip_stride());
      T inverse[rows];
      for (Index i = 0; i < rows; ++i) {
        const Index limit = p_.causal ? std::min(p_.length, row + i + 1) : p_.length;
        const SoftmaxSums sums = softmax_row(strip + i * strip_stride(), limit, seen);
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

  void backward(Index batch, Index head, const T* qkv, const T* out, const T* log_sum_exp,
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
    for (Index row = 0; row < p_.length; row += block) {
      const Index count = std::min(block, p_.length - row);
      const Index seen = p_.causal ? row + count : p_.length;
      for (; loaded < seen; loaded += block) {
        const Index n = std::min(block, p_.length - loaded);
        copy_rows(n, dim_, at(qkv, batch, loaded, 1, head), stride(), T(1),
                  s.keys + loaded * padded_dim_, padded_dim_);
        transpose_to_panels(n, dim_, s.keys + loaded * padded_dim_, padded_dim_,
                            s.key_panels + loaded * dim_);
        transpose_to_panels(n, dim_, at(qkv, batch, loaded, 2, head), stride(),
                            s.value_panels + loaded * dim_);
      }
      const Index here = ((batch * p_.length + row) * p_.heads + head) * dim_;
      load_query_block(count, at(qkv, batch, row, 0, head), out + here, out_gradient + here,
                       log_sum_exp + (batch * p_.heads + head) * p_.length + row, s);
      // What the next queries' turn will need comes while these are worked on.
      const auto prefetch = [&](Index first) {
        const Index next = row + block + first, n = std::min(rows, p_.length - next);
        if (n <= 0) return;
        for (Index which = 0; which < 3; ++which)
          prefetch_rows(n, dim_, at(qkv, batch, next, which, head), stride());
        const Index there = ((batch * p_.length + next) * p_.heads + head) * dim_;
        prefetch_rows(n, dim_, out + there, p_.heads * dim_);
        prefetch_rows(n, dim_, out_gradient + there, p_.heads * dim_);
      };
      for (Index key = 0; key < seen; key += block) {
        const Index keys = std::min(block, p_.length - key);
        const bool diagonal = p_.causal && key == row;
        for (Index r = 0; r < count; r += rows) {
          if (key == 0) prefetch(r);
          probabilities(r, key, diagonal, keys, s);
        }
        backward_products(count, key, keys, diagonal, s);
      }
      copy_rows_back(count, dim_, s.query_gradient, padded_dim_, static_cast<T>(p_.scale),
                     at(qkv_gradient, batch, row, 0, head), stride());
    }
    copy_rows_back(p_.length, dim_, s.key_gradient, padded_dim_, T(1),
                   at(qkv_gradient, batch, 0, 1, head), stride());
    copy_rows_back(p_.length, dim_, s.value_gradient, padded_dim_, T(1),
                   at(qkv_gradient, batch, 0, 2, head), stride());
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
  Index stride() const { return 3 * p_.heads * p_.head_dim; }
  /// Distance between two rows of scores; not a power of two, which would share cache sets.
  Index strip_stride() const { return padded_length_ + width; }
  template <class U>
  U* at(U* qkv, Index batch, Index token, Index which, Index head) const {
    return qkv + (((batch * p_.length + token) * 3 + which) * p_.heads + head) * p_.head_dim;
  }
  void zero_rows(Index first, Index last, T* x) const {
    if (first < last) std::fill(x + first * padded_dim_, x + last * padded_dim_, T(0));
  }

  /// c = a panels for a tile of rows and `seen` columns; panels as transpose_to_panels makes them.
  void multiply_panels(Index seen, const T* a, const T* panels, T* c, Index ldc) const {
    for (Index at = 0; at < seen; at += columns)
      multiply<false, false>(rows, std::min(columns, seen - at), dim_, a, padded_dim_,
                             panels + at * dim_, columns, c + at, ldc);
  }

  /// s[0..limit) := exp(s - max), zeros up to `seen` rounded up.
  static SoftmaxSums softmax_row(T* s, Index limit, Index seen) {
    const P none(std::numeric_limits<T>::lowest());
    const Index whole = limit / width * width;
    P largest = none;
    for (Index i = 0; i < whole; i += width) largest = max(largest, P::load(s + i));
    // The scores beyond the limit belong to keys that this query must not see.
    for (Index i = whole; i < seen; i += width) {
      const P masked = select(P::iota() < P(static_cast<T>(limit - i)), P::load(s + i), none);
      masked.store(s + i);
      largest = max(largest, masked);
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
  void probabilities(Index r, Index key, bool diagonal, Index keys,
                     const BackwardBuffers& s) const {
    const Index seen = diagonal ? std::min(keys, r + rows) : keys;
    T* probability = s.probability + r * block;
    T* score_gradient = s.score_gradient + r * block;
    multiply_panels(seen, s.query + r * padded_dim_, s.key_panels + key * dim_, probability, block);
    multiply_panels(seen, s.out_gradient + r * padded_dim_, s.value_panels + key * dim_,
                    score_gradient, block);
    for (Index i = r; i < r + rows; ++i, probability += block, score_gradient += block) {
      const P shift(s.log_sum_exp[i]), offset(s.offset[i]);
      const Index limit = diagonal ? std::min(keys, i + 1) : keys;
      for (Index c = 0; c < seen; c += width) {
        P e = optiform::detail::exp_or_zero(P::load(probability + c) - shift);
        if (c + width > limit) e = select(P::iota() < P(static_cast<T>(limit - c)), e, P(T(0)));
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
  const HeadAttention<T> attention(problem);
  context.reserve_scratch(attention.backward_bytes());
  context.parallel(problem.batch * problem.heads, [&](Index task, int thread) {
    attention.backward(task / problem.heads, task % problem.heads, qkv, out, log_sum_exp,
                       out_gradient, qkv_gradient,
                       context.scratch(thread, attention.backward_bytes()));
  });
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
