// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/cpu/vector_math.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// Attention of new tokens over cached keys and values; what kernels<Reference> computes.
///
/// A task is some new tokens of one sequence, all queries that share a head of keys, and a range
/// of keys: it reads keys and values once, block by block, and rescales what it has gathered when
/// a larger score turns up. Ranges are joined at the end.
///
/// Contract  ranges and blocks start at fixed positions, so that a token's result depends neither
///           on the number of threads nor on how many tokens came in one call.
/// Source    Milakov, Gimelshein, "Online normalizer calculation for softmax", arXiv 1805.02867,
///           for the rescaling; Dao et al., "Flash-Decoding", 2023, for the ranges.
template <class T>
class DecodeAttention {
  using P = Pack<T>;
  static constexpr Index width = P::width;
  static constexpr Index block = 64;   ///< keys whose scores are held at once
  static constexpr Index range = 256;  ///< keys of a task
  static constexpr Index piece = 32;   ///< new tokens of a task
  static constexpr int rows = 4;       ///< queries that share a load of keys
  static constexpr T floor = std::numeric_limits<T>::lowest() / 4;  ///< below every score

 public:
  DecodeAttention(const AttentionProblem& problem, const Index* past, const T* qkv, T* keys,
                  T* values, Index capacity, T* out)
      : p_(problem),
        past_(past),
        qkv_(qkv),
        keys_(keys),
        values_(values),
        capacity_(capacity),
        out_(out),
        dim_(problem.head_dim),
        padded_((problem.head_dim + width - 1) / width * width),
        kv_heads_(problem.key_heads()),
        group_(problem.group()),
        queries_(std::min(problem.length, piece) * group_),
        pieces_((problem.length + piece - 1) / piece),
        ranges_((capacity + range - 1) / range) {}

  template <class Context>
  void operator()(Context& context) const {
    const Index copies = split(dim_ * kv_heads_ * p_.length);
    context.parallel((p_.batch + copies - 1) / copies, [&](Index task, int) {
      for (Index b = task * copies; b < std::min(p_.batch, (task + 1) * copies); ++b) append(b);
    });
    const Index groups = p_.batch * kv_heads_ * pieces_;
    const Index elements = groups * ranges_ * partial_size();
    const Index bytes = elements * static_cast<Index>(sizeof(T));
    const int inside = context.current();
    T* partials = reinterpret_cast<T*>(inside >= 0 ? context.scratch(inside, bytes)
                                                   : context.shared_scratch(bytes));
    // Ranges that nobody has reached yet are not even looked at.
    Index last = 0;
    for (Index b = 0; b < p_.batch; ++b) last = std::max(last, past_[b] + p_.length);
    const Index reached = (last + range - 1) / range;
    context.parallel(groups * reached, [&](Index task, int) {
      const Index g = task / reached, r = task % reached;
      gather(g, r, partials + (g * ranges_ + r) * partial_size());
    });
    const Index joins = split(queries_ * padded_ * reached);
    context.parallel((groups + joins - 1) / joins, [&](Index task, int) {
      for (Index g = task * joins; g < std::min(groups, (task + 1) * joins); ++g)
        join(g, reached, partials + g * ranges_ * partial_size());
    });
  }

 private:
  /// What a range has found for some queries: largest score, sum of exponentials, weighted sum of
  /// values; and the queries themselves. Dense arrays, the last two [queries, padded].
  struct Partial {
    T *largest, *total, *gathered, *query;
  };
  Index partial_size() const {
    const Index numbers = 2 * queries_ + 2 * queries_ * padded_;
    constexpr Index unit = memory_alignment / static_cast<Index>(sizeof(T));
    return (numbers + unit - 1) / unit * unit;
  }
  Partial partial(T* at) const {
    const Index matrix = queries_ * padded_;
    return {at + 2 * matrix, at + 2 * matrix + queries_, at, at + matrix};
  }

  /// Items of so many elements that make a task worth handing out.
  static Index split(Index elements) { return std::max<Index>(1, 16384 / elements); }

  T* cached(T* cache, Index b, Index kv_head, Index position) const {
    return cache + ((b * kv_heads_ + kv_head) * capacity_ + position) * dim_;
  }

  void append(Index b) const {
    for (Index h = 0; h < kv_heads_; ++h)
      for (Index t = 0; t < p_.length; ++t) {
        std::copy_n(qkv_ + p_.key_at(b, t, h), dim_, cached(keys_, b, h, past_[b] + t));
        std::copy_n(qkv_ + p_.value_at(b, t, h), dim_, cached(values_, b, h, past_[b] + t));
      }
  }

  /// One group: some new tokens of one sequence and one head of keys. Its query i is that of token
  /// first + i / group and head kv_head group + i % group.
  struct Group {
    Index b, kv_head, first, tokens;
  };
  Group group(Index g) const {
    const Index first = g % pieces_ * piece, head = g / pieces_;
    return {head / kv_heads_, head % kv_heads_, first, std::min(piece, p_.length - first)};
  }
  Index end_of(const Group& g, Index i) const { return past_[g.b] + g.first + i / group_ + 1; }
  Index begin_of(Index end) const {
    return p_.window > 0 ? std::max(Index{0}, end - p_.window) : 0;
  }

  void gather(Index number, Index r, T* memory) const {
    const Group g = group(number);
    const Partial part = partial(memory);
    const Index queries = g.tokens * group_;
    std::fill_n(part.largest, queries, floor);
    std::fill_n(part.total, queries, T(0));
    const Index last = end_of(g, queries - 1);
    const Index from = std::max(r * range, begin_of(end_of(g, 0)) / block * block);
    const Index to = std::min((r + 1) * range, last);
    if (from >= to) return;
    std::fill_n(part.gathered, queries * padded_, T(0));
    for (Index i = 0; i < queries; ++i) {
      const T* q = qkv_ + p_.query_at(g.b, g.first + i / group_, g.kv_head * group_ + i % group_);
      const P scale(static_cast<T>(p_.scale));
      for (Index d = 0; d < dim_; d += width)
        (P::load(q + d, dim_ - d) * scale).store(part.query + i * padded_ + d);
    }
    T scores[rows * block]{};
    for (Index key = from; key < to; key += block) {
      Index i = 0;
      for (; i + rows <= queries; i += rows) add_block<rows>(g, i, key, to, part, scores);
      for (; i < queries; ++i) add_block<1>(g, i, key, to, part, scores);
    }
  }

  /// Adds keys key .. key + block - 1, as far as they are visible, to R queries.
  template <int R>
  void add_block(const Group& g, Index i, Index key, Index to, const Partial& part,
                 T* scores) const {
    const Index latest = std::min(to, end_of(g, i + R - 1));
    if (key >= latest || key + block <= begin_of(end_of(g, i))) return;
    const Index count = std::min(block, latest - key);
    const T* query = part.query + i * padded_;
    const T* keys = cached(keys_, g.b, g.kv_head, key);
    constexpr int columns = R == 1 ? 8 : 4;
    Index j = 0;
    for (; j + columns <= count; j += columns) dots<R, columns>(query, keys + j * dim_, scores + j);
    for (; j < count; ++j) dots<R, 1>(query, keys + j * dim_, scores + j);
    for (int r = 0; r < R; ++r) {
      const Index end = end_of(g, i + r);
      const Index hidden = std::clamp(begin_of(end) - key, Index{0}, block);
      const Index shown = std::clamp(end - key, hidden, count);
      weigh(hidden, shown, scores + r * block, part, i + r);
    }
    add_values<R>(count, scores, cached(values_, g.b, g.kv_head, key), part.gathered + i * padded_);
  }

  /// scores[r, c] = query[r] . keys[c]
  template <int R, int C>
  void dots(const T* query, const T* keys, T* scores) const {
    P sums[R][C];
    for (auto& row : sums)
      for (P& s : row) s = P(0);
    Index d = 0;
    const auto step = [&](auto load) OPTIFORM_INLINE_LAMBDA {
      P k[C];
      for (int c = 0; c < C; ++c) k[c] = load(keys + c * dim_ + d);
      for (int r = 0; r < R; ++r) {
        const P q = P::load(query + r * padded_ + d);
        for (int c = 0; c < C; ++c) sums[r][c] = fma(q, k[c], sums[r][c]);
      }
    };
    for (; d + width <= dim_; d += width)
      step([](const T* k) OPTIFORM_INLINE_LAMBDA { return P::load(k); });
    if (d < dim_) {
      const Index rest = dim_ - d;
      step([rest](const T* k) OPTIFORM_INLINE_LAMBDA { return P::load(k, rest); });
    }
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) scores[r * block + c] = sum(sums[r][c]);
  }

  /// Turns the scores hidden .. shown - 1 into weights, all others into zero.
  void weigh(Index hidden, Index shown, T* scores, const Partial& part, Index i) const {
    if (hidden >= shown) return void(std::fill_n(scores, block, T(0)));
    std::fill_n(scores, hidden, floor);
    std::fill_n(scores + shown, block - shown, floor);
    P most(floor);
    for (Index j = 0; j < block; j += width) most = max(most, P::load(scores + j));
    const T largest = std::max(part.largest[i], max_lane(most));
    P total(0);
    for (Index j = 0; j < block; j += width) {
      const P weight = optiform::detail::exp_or_zero(P::load(scores + j) - P(largest));
      weight.store(scores + j);
      total += weight;
    }
    if (largest > part.largest[i]) {
      const T factor = std::exp(part.largest[i] - largest);
      T* gathered = part.gathered + i * padded_;
      for (Index d = 0; d < padded_; d += width)
        (P::load(gathered + d) * P(factor)).store(gathered + d);
      part.total[i] *= factor;
      part.largest[i] = largest;
    }
    part.total[i] += sum(total);
  }

  /// gathered[r] += sum over keys of weights[r, key] values[key]
  template <int R>
  void add_values(Index count, const T* weights, const T* values, T* gathered) const {
    constexpr int columns = register_bytes >= 64 || R == 1 ? 4 : 2;
    Index d = 0;
    for (; d + columns * width <= dim_; d += columns * width)
      add_values<R, columns>(count, weights, values + d, columns * width, gathered + d);
    for (; d < dim_; d += width)
      add_values<R, 1>(count, weights, values + d, dim_ - d, gathered + d);
  }
  template <int R, int C>
  void add_values(Index count, const T* weights, const T* values, Index valid, T* gathered) const {
    P sums[R][C];
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) sums[r][c] = P::load(gathered + r * padded_ + c * width);
    const auto sweep = [&](auto load) OPTIFORM_INLINE_LAMBDA {
      for (Index j = 0; j < count; ++j) {
        P v[C];
        for (int c = 0; c < C; ++c) v[c] = load(values + j * dim_ + c * width);
        for (int r = 0; r < R; ++r) {
          const P weight(weights[r * block + j]);
          for (int c = 0; c < C; ++c) sums[r][c] = fma(weight, v[c], sums[r][c]);
        }
      }
    };
    if (valid >= C * width)
      sweep([](const T* v) OPTIFORM_INLINE_LAMBDA { return P::load(v); });
    else
      sweep([valid](const T* v) OPTIFORM_INLINE_LAMBDA { return P::load(v, valid); });
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) sums[r][c].store(gathered + r * padded_ + c * width);
  }

  /// Weighs the ranges' sums against each other and writes the outputs of a group.
  void join(Index number, Index reached, T* memory) const {
    const Group g = group(number);
    for (Index i = 0; i < g.tokens * group_; ++i) {
      T largest = floor;
      for (Index r = 0; r < reached; ++r)
        largest = std::max(largest, partial(memory + r * partial_size()).largest[i]);
      T* o = out_ + p_.out_at(g.b, g.first + i / group_, g.kv_head * group_ + i % group_);
      const auto weight = [&](const Partial& part) {
        return part.largest[i] == largest ? T(1) : std::exp(part.largest[i] - largest);
      };
      T total(0);
      for (Index r = 0; r < reached; ++r) {
        const Partial part = partial(memory + r * partial_size());
        total += weight(part) * part.total[i];
      }
      std::fill_n(o, dim_, T(0));
      for (Index r = 0; r < reached; ++r) {
        const Partial part = partial(memory + r * partial_size());
        if (part.total[i] == T(0)) continue;  // nothing was visible, nothing was gathered
        const P factor(weight(part) / total);
        const T* gathered = part.gathered + i * padded_;
        for (Index d = 0; d < dim_; d += width)
          fma(factor, P::load(gathered + d), P::load(o + d, dim_ - d)).store(o + d, dim_ - d);
      }
    }
  }

  const AttentionProblem p_;
  const Index* past_;
  const T* qkv_;
  T *keys_, *values_;
  Index capacity_;
  T* out_;
  Index dim_, padded_, kv_heads_, group_, queries_, pieces_, ranges_;
};

/// See kernels<Reference>::attention_decode.
template <class Context, class T>
void attention_decode(Context& context, const AttentionProblem& problem, const Index* past,
                      const T* qkv, T* keys, T* values, Index capacity, T* out) {
  check(problem);
  DecodeAttention<T>(problem, past, qkv, keys, values, capacity, out)(context);
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
