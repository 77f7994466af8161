// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

#include <optiform/core/attention_problem.hpp>
#include <optiform/core/config.hpp>
#include <optiform/cpu/attention_operands.hpp>
#include <optiform/cpu/attention_tile.hpp>
#include <optiform/cpu/exp2.hpp>
#include <optiform/cpu/pack.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// Derivatives of attention in one square: a piece of keys against a piece of the queries of all
/// heads that share them.
///
/// Blocks of probabilities are computed again from log(sum exp), while they are in registers, and
/// used at once for all three gradients. Nothing of size length x length exists.
///
/// Contract  as AttentionForward. Squares that share neither keys nor queries may run at the same
///           time; the first square of a query's or key's row writes the gradient, others add.
template <class T>
class AttentionBackward {
  using Sizes = AttentionTile<T>;
  using P = Pack<T>;
  using V = optiform::detail::native_vector<T>;
  static constexpr Index rows = Sizes::rows, block = Sizes::block, width = Sizes::width;
  /// Probabilities and their gradients side by side, and a step that is no power of two.
  static constexpr Index stride = 2 * block + width;

 public:
  struct Arrays {
    const T *qkv, *out, *log_sum_exp, *out_gradient;
    T* qkv_gradient;
  };

  /// A square: keys [key, key_end) and queries [first, last).
  struct Place {
    Index batch, key_head, key, key_end, first, last;
  };

  AttentionBackward(const AttentionProblem& problem, const Arrays& arrays, Index most_keys)
      : p_(problem),
        a_(arrays),
        dim_(problem.head_dim),
        padded_dim_(round_up(problem.head_dim, width)),
        most_keys_(round_up(most_keys, block)) {}

  Index scratch_bytes() const {
    return 2 * bytes(most_keys_ * dim_) + 3 * bytes(most_keys_ * padded_dim_) +
           3 * bytes(block * padded_dim_) + bytes(block * stride) + 2 * bytes(block);
  }

  /// Whether any query of the square sees any of its keys.
  bool sees(const Place& at) const {
    return p_.first_seen(at.first) < at.key_end && at.key < p_.end_seen(at.last - 1);
  }

  /// The first square of a row of keys or queries holds its diagonal. `next`, if not null, is where
  /// this thread will probably go on.
  template <bool Add>
  void run(const Place& at, const Place* next, std::byte* scratch) const {
    ScratchPieces pieces(scratch);
    Square s;
    static_cast<Place&>(s) = at;
    s.loaded = at.key;
    s.next = next;
    s.key_panels = pieces.take<T>(most_keys_ * dim_);
    s.value_panels = pieces.take<T>(most_keys_ * dim_);
    s.keys = pieces.take<T>(most_keys_ * padded_dim_);
    s.key_gradient = pieces.take<T>(most_keys_ * padded_dim_);
    s.value_gradient = pieces.take<T>(most_keys_ * padded_dim_);
    s.query = pieces.take<T>(block * padded_dim_);
    s.query_gradient = pieces.take<T>(block * padded_dim_);
    s.out_gradient = pieces.take<T>(block * padded_dim_);
    s.probability = pieces.take<T>(block * stride);
    s.shift = pieces.take<T>(block);
    s.offset = pieces.take<T>(block);
    std::fill_n(s.key_gradient, most_keys_ * padded_dim_, T(0));
    std::fill_n(s.value_gradient, most_keys_ * padded_dim_, T(0));
    for (Index head = s.key_head * p_.group(); head < (s.key_head + 1) * p_.group(); ++head)
      for (Index row = s.first; row < s.last; row += block) queries<Add>(head, row, s);
    // Queries were scaled by 1 / ln 2 as well.
    const Index n = s.key_end - s.key;
    copy_rows_back<Add>(n, dim_, s.key_gradient, padded_dim_, static_cast<T>(log_of_two),
                        a_.qkv_gradient + p_.key_at(s.batch, s.key, s.key_head), p_.token_stride());
    copy_rows_back<Add>(n, dim_, s.value_gradient, padded_dim_, T(1),
                        a_.qkv_gradient + p_.value_at(s.batch, s.key, s.key_head),
                        p_.token_stride());
  }

 private:
  struct Square : Place {
    Index loaded;  // keys up to here are in scratch
    const Place* next;
    T *key_panels, *value_panels;              // transposed
    T *keys, *key_gradient, *value_gradient;   // [keys, padded_dim]
    T *query, *query_gradient, *out_gradient;  // [block, padded_dim]
    T* probability;                            // [block, stride], gradients of scores beside them
    T *shift, *offset;                         // [block]
    WantedRows<T> wanted;
  };
  /// p = 2^(score - shift).
  struct Probability {
    const T* shift;
    const Probability& at(Index) const { return *this; }
    OPTIFORM_INLINE V operator()(int row, int, V score) const {
      P p;
      p.part[0] = score;
      return exp2_or_zero(p - P(shift[row])).part[0];
    }
  };
  /// dz = p (dp - offset).
  struct ScoreGradient {
    const T *offset, *probability;
    ScoreGradient at(Index column) const { return {offset, probability + column}; }
    OPTIFORM_INLINE V operator()(int row, int column, V gradient) const {
      return optiform::detail::load(probability + row * stride + column) *
             (gradient - optiform::detail::broadcast(offset[row]));
    }
  };

  static Index bytes(Index elements) { return ScratchPieces::bytes<T>(elements); }

  /// A block of one head's queries against all keys of the square.
  template <bool Add>
  void queries(Index head, Index row, Square& s) const {
    const Index count = std::min(block, s.last - row);
    const Index end = std::min(s.key_end, p_.end_seen(row + count - 1));
    const Index from = s.key + std::max<Index>(0, p_.first_seen(row) - s.key) / block * block;
    if (from >= end) return;
    load_keys(end, s);
    load_queries(head, row, count, s);
    want(head, row, count, s);
    for (Index key = from; key < end; key += block)
      multiply_block(row, count, key, std::min(block, s.key_end - key), s);
    s.wanted.forget();
    copy_rows_back<Add>(count, dim_, s.query_gradient, padded_dim_, static_cast<T>(p_.scale),
                        a_.qkv_gradient + p_.query_at(s.batch, row, head), p_.token_stride());
  }

  void load_keys(Index end, Square& s) const {
    for (; s.loaded < end; s.loaded += block) {
      const Index n = std::min(block, s.key_end - s.loaded), at = s.loaded - s.key;
      T* keys = s.keys + at * padded_dim_;
      copy_rows(n, dim_, a_.qkv + p_.key_at(s.batch, s.loaded, s.key_head), p_.token_stride(), T(1),
                keys, padded_dim_);
      transpose_to_panels(n, dim_, keys, padded_dim_, s.key_panels + at * dim_);
      transpose_to_panels(n, dim_, a_.qkv + p_.value_at(s.batch, s.loaded, s.key_head),
                          p_.token_stride(), s.value_panels + at * dim_);
    }
  }

  /// Queries (scaled), output gradients and per query the shift, log(sum exp) / ln 2, and the
  /// offset, do . o.
  void load_queries(Index head, Index row, Index count, const Square& s) const {
    const Index here = p_.out_at(s.batch, row, head);
    copy_rows(count, dim_, a_.qkv + p_.query_at(s.batch, row, head), p_.token_stride(),
              static_cast<T>(p_.scale / log_of_two), s.query, padded_dim_);
    copy_rows(count, dim_, a_.out_gradient + here, p_.out_stride(), T(1), s.out_gradient,
              padded_dim_);
    std::fill(s.query + count * padded_dim_, s.query + block * padded_dim_, T(0));
    std::fill(s.out_gradient + count * padded_dim_, s.out_gradient + block * padded_dim_, T(0));
    std::fill_n(s.query_gradient, block * padded_dim_, T(0));
    std::fill(s.shift + count, s.shift + block, T(0));
    std::fill(s.offset + count, s.offset + block, T(0));
    const T* lse = a_.log_sum_exp + (s.batch * p_.heads + head) * p_.length + row;
    for (Index i = 0; i < count; ++i) {
      const T* o = a_.out + here + i * p_.out_stride();
      P dot(T(0));
      for (Index c = 0; c < dim_; c += width)
        dot = fma(P::load(o + c, dim_ - c), P::load(s.out_gradient + i * padded_dim_ + c), dot);
      s.offset[i] = sum(dot);
      s.shift[i] = lse[i] * static_cast<T>(1 / log_of_two);
    }
  }

  /// What will be needed next: where these queries' gradients go, and what the next queries bring.
  void want(Index head, Index row, Index count, Square& s) const {
    const Index next = row + block, more = s.key_end - s.loaded;
    s.wanted.add(count, dim_, a_.qkv_gradient + p_.query_at(s.batch, row, head), p_.token_stride());
    if (more > 0) want_keys(s.batch, s.key_head, s.loaded, more, s);
    if (next < s.last)
      want_queries(s.batch, head, next, s.last - next, s);
    else if (head + 1 < (s.key_head + 1) * p_.group())
      want_queries(s.batch, head + 1, s.first, s.last - s.first, s);
    else
      want_next_square(s);
  }
  void want_queries(Index batch, Index head, Index row, Index most, Square& s) const {
    const Index n = std::min(block, most), there = p_.out_at(batch, row, head);
    s.wanted.add(n, dim_, a_.qkv + p_.query_at(batch, row, head), p_.token_stride());
    s.wanted.add(n, dim_, a_.out + there, p_.out_stride());
    s.wanted.add(n, dim_, a_.out_gradient + there, p_.out_stride());
  }
  void want_keys(Index batch, Index key_head, Index key, Index most, Square& s) const {
    const Index n = std::min(block, most);
    s.wanted.add(n, dim_, a_.qkv + p_.key_at(batch, key, key_head), p_.token_stride());
    s.wanted.add(n, dim_, a_.qkv + p_.value_at(batch, key, key_head), p_.token_stride());
  }
  void want_next_square(Square& s) const {
    if (s.next == nullptr) return;
    const Place& n = *s.next;
    want_keys(n.batch, n.key_head, n.key, n.key_end - n.key, s);
    want_queries(n.batch, n.key_head * p_.group(), n.first, n.last - n.first, s);
  }

  /// One block of probabilities and what follows from it.
  void multiply_block(Index row, Index count, Index key, Index keys, Square& s) const {
    const Index at = key - s.key;
    const bool edge = p_.first_seen(row + count - 1) > key || p_.end_seen(row) < key + keys;
    // What a tile of queries sees of this block.
    const auto seen = [&](Index r) {
      if (!edge) return Steps{0, keys};
      const Index last = std::min(r + rows, count) - 1;
      return Steps{std::max<Index>(0, p_.first_seen(row + r) - key),
                   std::min(keys, p_.end_seen(row + last) - key)};
    };
    for (Index r = 0; r < count; r += rows) {
      const auto [first, last] = seen(r);
      T* p = s.probability + r * stride;
      multiply_panels(dim_, s.query + r * padded_dim_, padded_dim_, s.key_panels + at * dim_, first,
                      last, p, stride, Probability{s.shift + r}, s.wanted);
      multiply_panels(dim_, s.out_gradient + r * padded_dim_, padded_dim_,
                      s.value_panels + at * dim_, first, last, p + block, stride,
                      ScoreGradient{s.offset + r, p}, s.wanted);
      if (edge) hide(row + r, key, keys, p);
    }
    // The queries of this block that see a tile of keys.
    const auto seeing = [&](Index c) {
      if (!edge) return Steps{0, count};
      const Index last = std::min(c + rows, keys) - 1;
      return Steps{std::max<Index>(0, p_.first_seeing(key + c) - row),
                   std::min(count, p_.end_seeing(key + last) - row)};
    };
    multiply<true, true>(keys, padded_dim_, s.probability, stride, s.out_gradient, padded_dim_,
                         s.value_gradient + at * padded_dim_, padded_dim_, seeing, s.wanted);
    multiply<true, true>(keys, padded_dim_, s.probability + block, stride, s.query, padded_dim_,
                         s.key_gradient + at * padded_dim_, padded_dim_, seeing, s.wanted);
    multiply<false, true>(count, padded_dim_, s.probability + block, stride,
                          s.keys + at * padded_dim_, padded_dim_, s.query_gradient, padded_dim_,
                          seen, s.wanted);
  }

  /// Zeros for the keys that a tile of queries must not see, whatever was computed there.
  void hide(Index row, Index key, Index keys, T* probability) const {
    for (Index i = 0; i < rows; ++i, probability += stride) {
      const Index t = std::min(row + i, p_.length - 1);
      const Index first = p_.first_seen(t) - key, end = std::min(keys, p_.end_seen(t) - key);
      for (Index c = 0; c < block; c += width) {
        if (c >= first && c + width <= end) continue;
        const P place = P::iota() + P(static_cast<T>(c));
        for (T* p : {probability + c, probability + block + c}) {
          const P before_end = select(place < P(static_cast<T>(end)), P::load(p), P(T(0)));
          select(place < P(static_cast<T>(first)), P(T(0)), before_end).store(p);
        }
      }
    }
  }

  AttentionProblem p_;
  Arrays a_;
  Index dim_, padded_dim_, most_keys_;
};

}  // namespace cpu

OPTIFORM_NAMESPACE_END
