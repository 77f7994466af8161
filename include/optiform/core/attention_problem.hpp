// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Sizes of one attention call.
///
/// Shapes    queries, keys and values lie interleaved in one buffer
///           [batch, length, heads + 2 kv_heads, head_dim]: the heads of the queries, then those of
///           the keys, then those of the values; the output is [batch, length, heads, head_dim].
/// Limits    kv_heads divides heads: that many queries in a row share a key and a value.
///           window: position t sees the positions less than `window` away, itself included, and of
///           those only the ones before it if causal.
/// Source    Ainslie et al., "GQA", arXiv 2305.13245; Beltagy et al., "Longformer", 2004.05150.
struct AttentionProblem {
  Index batch = 1, length = 1, heads = 1, head_dim = 1;
  Index kv_heads = 0;  ///< heads of keys and values; 0: as many as of queries
  Index window = 0;    ///< 0: none
  bool causal = true;
  double scale = 1;  ///< factor of the dot products, usually 1 / sqrt(head_dim)

  Index key_heads() const { return kv_heads == 0 ? heads : kv_heads; }
  /// Heads of queries that share one key and value.
  Index group() const { return heads / key_heads(); }
  /// Elements between two tokens of the interleaved buffer, and of the output.
  Index token_stride() const { return (heads + 2 * key_heads()) * head_dim; }
  Index out_stride() const { return heads * head_dim; }

  /// Where one head of one token lies in the interleaved buffer and in the output.
  Index query_at(Index b, Index t, Index head) const {
    return (b * length + t) * token_stride() + head * head_dim;
  }
  Index key_at(Index b, Index t, Index key_head) const { return query_at(b, t, heads + key_head); }
  Index value_at(Index b, Index t, Index key_head) const {
    return query_at(b, t, heads + key_heads() + key_head);
  }
  Index out_at(Index b, Index t, Index head) const {
    return (b * length + t) * out_stride() + head * head_dim;
  }

  /// Position t sees [first_seen(t), end_seen(t)), and is seen by [first_seeing(t), end_seeing(t)).
  Index first_seen(Index t) const { return window > 0 && t >= window ? t - window + 1 : 0; }
  Index end_seen(Index t) const { return causal ? t + 1 : end_near(t); }
  Index first_seeing(Index t) const { return causal ? t : first_seen(t); }
  Index end_seeing(Index t) const { return end_near(t); }

 private:
  Index end_near(Index t) const { return window > 0 && length - t > window ? t + window : length; }
};

/// What happens to every head of queries and keys before they meet: a norm, then a rotation.
template <class T>
struct HeadTransform {
  bool normalise = false;       ///< heads are divided by their root mean square
  Index pairs = 0;              ///< numbers i and pairs + i of a head turn by the angle of pair i
  const T* rotation = nullptr;  ///< [positions, 2, pairs]: a position's cosines, then its sines
  const Index* past = nullptr;  ///< position of the first token, per sequence; null: zeros
};

/// Refuses sizes that no attention has.
inline void check(const AttentionProblem& p) {
  if (p.batch < 0 || p.length < 0 || p.heads < 1 || p.head_dim < 1)
    fail("attention: batch = ", p.batch, ", length = ", p.length, ", heads = ", p.heads,
         ", head_dim = ", p.head_dim, "; expected batch and length of 0 or more, the others of 1");
  if (p.kv_heads < 0 || p.heads % p.key_heads() != 0)
    fail("attention: kv_heads = ", p.kv_heads, "; expected 0 or a divisor of heads = ", p.heads);
  if (p.window < 0) fail("attention: window = ", p.window, "; expected 0 (none) or more");
}

OPTIFORM_NAMESPACE_END
