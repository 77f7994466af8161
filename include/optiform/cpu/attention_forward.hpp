// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <optiform/core/attention_problem.hpp>
#include <optiform/core/config.hpp>
#include <optiform/cpu/attention_operands.hpp>
#include <optiform/cpu/attention_tile.hpp>
#include <optiform/cpu/exp2.hpp>
#include <optiform/cpu/pack.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// Attention of a piece of one head's queries; what ReferenceAttention computes, in tiles.
///
/// A tile of queries sees a strip of scores, takes their powers of two in place and multiplies them
/// by the values, all in the first-level cache. From strip to strip it carries the largest score so
/// far, the sum and the result, scaled down whenever the largest grows.
///
/// Contract  keys and values are copied to dense, padded scratch, piece after piece, so that any
///           head size and length runs on whole registers; strips end at the diagonal.
/// Limits    scores and their largest are in units of ln 2. A value that is not finite also reaches
///           the few outputs before it that share its tile.
/// Source    Milakov, Gimelshein, "Online normalizer calculation for softmax", arXiv 1805.02867;
///           Dao, Fu, Ermon, Rudra, Re, "FlashAttention", arXiv 2205.14135.
template <class T>
class AttentionForward {
  using Sizes = AttentionTile<T>;
  using P = Pack<T>;
  static constexpr Index rows = Sizes::rows, columns = Sizes::columns, width = Sizes::width;
  static constexpr Index piece = Sizes::piece, strip = std::min<Index>(256, piece);
  /// Not a power of two, which would share cache sets.
  static constexpr Index score_stride = strip + width;

 public:
  struct Arrays {
    const T* qkv;
    T *out, *log_sum_exp;
  };
  /// Queries [first, last) of one head.
  struct Place {
    Index batch, head, first, last;
  };

  AttentionForward(const AttentionProblem& problem, const Arrays& arrays, Index most_queries)
      : p_(problem),
        a_(arrays),
        dim_(problem.head_dim),
        padded_dim_(round_up(problem.head_dim, width)),
        most_keys_(std::min(piece, round_up(problem.length, columns))),
        most_queries_(round_up(most_queries, rows)) {}

  Index scratch_bytes() const {
    return bytes(most_keys_ * dim_) + bytes(most_keys_ * padded_dim_) + bytes(rows * padded_dim_) +
           bytes(rows * score_stride) + bytes(most_queries_ * padded_dim_) +
           2 * bytes(most_queries_ + width);
  }

  /// `next`, if not null, is where this thread will probably go on.
  void run(const Place& at, const Place* next, std::byte* scratch) const {
    const auto [batch, head, first, last] = at;
    ScratchPieces pieces(scratch);
    Buffers s;
    s.keys = pieces.take<T>(most_keys_ * dim_);
    s.values = pieces.take<T>(most_keys_ * padded_dim_);
    s.query = pieces.take<T>(rows * padded_dim_);
    s.scores = pieces.take<T>(rows * score_stride);
    s.result = pieces.take<T>(most_queries_ * padded_dim_);
    s.largest = pieces.take<T>(most_queries_ + width);
    s.total = pieces.take<T>(most_queries_ + width);
    // Far below every score, far above what hides one.
    std::fill_n(s.largest, most_queries_ + width, none() / 4);
    std::fill_n(s.total, most_queries_ + width, T(0));
    const Index end = p_.end_seen(last - 1);
    Index asked = 0;  // keys up to here are on their way
    for (Index from = p_.first_seen(first) / columns * columns; from < end; from += most_keys_) {
      const Index to = std::min(from + most_keys_, end);
      Index loaded = from;
      for (Index row = first; row < last; row += rows) {
        const Index count = std::min(rows, last - row), row_end = p_.end_seen(row + count - 1);
        const Index seen_from = std::max(from, p_.first_seen(row) / columns * columns);
        const Index seen_to = std::min(to, row_end);
        if (seen_from >= seen_to) continue;
        for (; loaded < seen_to; loaded += columns) load_keys(at, loaded, from, s);
        // What the next keys' and queries' turn will need comes while these are worked on.
        asked = std::max(asked, loaded);
        const Index more = std::min(rows, end - asked);
        want_keys(at, asked, more, s);
        asked += std::max<Index>(more, 0);
        want_queries(at, row + rows, std::min(rows, last - row - rows), s);
        if (next != nullptr && row + rows >= last && to == end) {
          want_keys(*next, 0, std::min(columns, p_.end_seen(next->first)), s);
          want_queries(*next, next->first, rows, s);
        }
        copy_rows(count, dim_, a_.qkv + p_.query_at(batch, row, head), p_.token_stride(),
                  static_cast<T>(p_.scale / log_of_two), s.query, padded_dim_);
        std::fill(s.query + count * padded_dim_, s.query + rows * padded_dim_, T(0));
        T* out = a_.out + p_.out_at(batch, row, head);
        if (row_end <= to) s.wanted.add(count, dim_, out, p_.out_stride());
        for (Index key = seen_from; key < seen_to; key += strip)
          attend(row, row - first, from, key, std::min(key + strip, seen_to), s);
        if (row_end <= to)
          finish(row - first, count, s, out,
                 a_.log_sum_exp + (batch * p_.heads + head) * p_.length + row);
        s.wanted.forget();
      }
    }
  }

 private:
  struct Buffers {
    T *keys, *values;             // panels; [keys, padded_dim]
    T *query, *scores;            // [rows, padded_dim]; [rows, score_stride]
    T *result, *largest, *total;  // [queries, padded_dim]; [queries]
    WantedRows<T> wanted;
  };
  struct Scores {
    AsItIs at(Index) const { return {}; }
  };

  static constexpr T none() { return std::numeric_limits<T>::lowest(); }
  static Index bytes(Index elements) { return ScratchPieces::bytes<T>(elements); }

  void load_keys(const Place& at, Index key, Index from, const Buffers& s) const {
    const Index n = std::min(columns, p_.length - key), key_head = at.head / p_.group();
    transpose_to_panels(n, dim_, a_.qkv + p_.key_at(at.batch, key, key_head), p_.token_stride(),
                        s.keys + (key - from) * dim_);
    copy_rows(n, dim_, a_.qkv + p_.value_at(at.batch, key, key_head), p_.token_stride(), T(1),
              s.values + (key - from) * padded_dim_, padded_dim_);
  }
  void want_keys(const Place& at, Index key, Index n, Buffers& s) const {
    const Index key_head = at.head / p_.group();
    s.wanted.add(n, dim_, a_.qkv + p_.key_at(at.batch, key, key_head), p_.token_stride());
    s.wanted.add(n, dim_, a_.qkv + p_.value_at(at.batch, key, key_head), p_.token_stride());
  }
  void want_queries(const Place& at, Index row, Index n, Buffers& s) const {
    s.wanted.add(n, dim_, a_.qkv + p_.query_at(at.batch, row, at.head), p_.token_stride());
  }

  /// A tile of queries, numbers at.. of the piece, against a strip of the keys that start at
  /// `from`.
  void attend(Index row, Index at, Index from, Index key, Index key_end, Buffers& s) const {
    const Index seen = key_end - key;
    T* result = s.result + at * padded_dim_;
    multiply_panels(dim_, s.query, padded_dim_, s.keys + (key - from) * dim_, 0, seen, s.scores,
                    score_stride, Scores{}, s.wanted);
    T factor[rows + width];
    softmax(row, key, seen, s.scores, s.largest + at, s.total + at, factor);
    const T* values = s.values + (key - from) * padded_dim_;
    const auto steps = [&](Index) { return Steps{0, seen}; };
    if (key == p_.first_seen(row) / columns * columns) {  // nothing came before
      multiply<false, false>(rows, padded_dim_, s.scores, score_stride, values, padded_dim_, result,
                             padded_dim_, steps, s.wanted);
      return;
    }
    for (Index i = 0; i < rows; ++i)
      if (factor[i] != T(1))
        copy_rows(1, padded_dim_, result + i * padded_dim_, padded_dim_, factor[i],
                  result + i * padded_dim_, padded_dim_);
    multiply<false, true>(rows, padded_dim_, s.scores, score_stride, values, padded_dim_, result,
                          padded_dim_, steps, s.wanted);
  }

  /// scores := 2^(scores - largest), zero where hidden; factor is what earlier powers shrink by.
  void softmax(Index row, Index key, Index seen, T* scores, T* largest, T* total, T* factor) const {
    const Index bottom = std::min(row + rows, p_.length) - 1;
    if (p_.first_seen(bottom) > key || p_.end_seen(row) < key + round_up(seen, width))
      hide(row, key, seen, scores);
    alignas(memory_alignment) T top[rows + width];
    P most[rows];
    OPTIFORM_UNROLL
    for (int i = 0; i < rows; ++i) most[i] = P(none());
    for (Index c = 0; c < seen; c += width) {
      OPTIFORM_UNROLL
      for (int i = 0; i < rows; ++i) most[i] = max(most[i], P::load(scores + i * score_stride + c));
    }
    for (int i = 0; i < rows; ++i) top[i] = std::max(largest[i], max_lane(most[i]));
    for (Index i = 0; i < rows; i += width)
      exp2_or_zero(P::load(largest + i) - P::load(top + i)).store(factor + i);
    P sums[rows];
    OPTIFORM_UNROLL
    for (int i = 0; i < rows; ++i) sums[i] = P(T(0));
    for (Index c = 0; c < seen; c += width) {
      OPTIFORM_UNROLL
      for (int i = 0; i < rows; ++i) {
        T* s = scores + i * score_stride + c;
        const P e = exp2_or_zero(P::load(s) - P(top[i]));
        e.store(s);
        sums[i] += e;
      }
    }
    for (int i = 0; i < rows; ++i) {
      largest[i] = top[i];
      total[i] = total[i] * factor[i] + sum(sums[i]);
    }
  }

  /// The lowest score for every key that a query of the tile must not see.
  void hide(Index row, Index key, Index seen, T* scores) const {
    for (Index i = 0; i < rows; ++i, scores += score_stride) {
      const Index t = std::min(row + i, p_.length - 1);
      const Index first = p_.first_seen(t) - key, end = p_.end_seen(t) - key;
      for (Index c = 0; c < seen; c += width) {
        if (c >= first && c + width <= end) continue;
        const P place = P::iota() + P(static_cast<T>(c));
        const P score = select(place < P(static_cast<T>(end)), P::load(scores + c), P(none()));
        select(place < P(static_cast<T>(first)), P(none()), score).store(scores + c);
      }
    }
  }

  /// Divides the results by their sums.
  void finish(Index at, Index count, const Buffers& s, T* out, T* log_sum_exp) const {
    for (Index i = 0; i < count; ++i) {
      log_sum_exp[i] = s.largest[at + i] * static_cast<T>(log_of_two) + std::log(s.total[at + i]);
      copy_rows_back(1, dim_, s.result + (at + i) * padded_dim_, padded_dim_, 1 / s.total[at + i],
                     out + i * p_.out_stride(), p_.out_stride());
    }
  }

  AttentionProblem p_;
  Arrays a_;
  Index dim_, padded_dim_, most_keys_, most_queries_;
};

}  // namespace cpu

OPTIFORM_NAMESPACE_END
