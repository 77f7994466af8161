// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace reference {

/// The specification of kernels<...>::attention_decode; see kernels<Reference>.
template <class T>
void attention_decode(const AttentionProblem& p, const Index* past, const T* qkv, T* keys,
                      T* values, Index capacity, T* out) {
  using std::exp;
  check(p);
  const Index dim = p.head_dim, kv_heads = p.key_heads(), group = p.heads / kv_heads;
  const Index row = (p.heads + 2 * kv_heads) * dim;
  std::vector<T> score(static_cast<std::size_t>(capacity));
  for (Index b = 0; b < p.batch; ++b) {
    for (Index t = 0; t < p.length; ++t) {
      const T* token = qkv + (b * p.length + t) * row;
      const Index position = past[b] + t;
      for (Index h = 0; h < kv_heads; ++h)
        for (Index i = 0; i < dim; ++i) {
          const Index at = ((b * kv_heads + h) * capacity + position) * dim + i;
          keys[at] = token[(p.heads + h) * dim + i];
          values[at] = token[(p.heads + kv_heads + h) * dim + i];
        }
      const Index first = p.window > 0 && position >= p.window ? position - p.window + 1 : 0;
      for (Index h = 0; h < p.heads; ++h) {
        const Index cache = (b * kv_heads + h / group) * capacity * dim;
        T largest(0), total(0);
        for (Index s = first; s <= position; ++s) {
          T dot(0);
          for (Index i = 0; i < dim; ++i) dot += token[h * dim + i] * keys[cache + s * dim + i];
          T& z = score[static_cast<std::size_t>(s)] = T(p.scale) * dot;
          if (s == first || largest < z) largest = z;
        }
        for (Index s = first; s <= position; ++s) {
          T& z = score[static_cast<std::size_t>(s)];
          z = exp(z - largest);
          total += z;
        }
        T* o = out + ((b * p.length + t) * p.heads + h) * dim;
        for (Index i = 0; i < dim; ++i) o[i] = T(0);
        for (Index s = first; s <= position; ++s)
          for (Index i = 0; i < dim; ++i)
            o[i] += score[static_cast<std::size_t>(s)] / total * values[cache + s * dim + i];
      }
    }
  }
}

}  // namespace reference

OPTIFORM_NAMESPACE_END
