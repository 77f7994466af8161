// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <optiform/core/attention_problem.hpp>
#include <optiform/core/backend.hpp>
#include <optiform/core/epilogue.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How evenly the heads of one layer look at what they see, in nats: 0 if at a single token. Means
/// over all positions.
struct AttentionEntropy {
  Index layer = 0;
  std::vector<double> heads;
  double even = 0;  ///< what any head would have if it looked at all it may see alike

  double mean() const {
    double sum = 0;
    for (const double head : heads) sum += head;
    return sum / static_cast<double>(heads.size());
  }
};

/// The mean entropy of attention that looks at all it may see alike: log(t + 1) at position t, less
/// where a window is shorter.
inline double even_attention_entropy(const AttentionProblem& p) {
  double sum = 0;
  for (Index t = 0; t < p.length; ++t)
    sum += std::log(static_cast<double>(p.end_seen(t) - p.first_seen(t)));
  return sum / static_cast<double>(p.length);
}

/// sums[head] += the entropy of every query's attention.
///
///   H_t = -sum_s p_ts log p_ts = lse_t - sum_s p_ts z_ts,   p_ts = exp(z_ts - lse_t)
///
/// Shapes    as attention_forward has filled them; see AttentionProblem.
template <class Backend, class T>
void add_attention_entropy(context_t<Backend>& context, const AttentionProblem& p, const T* qkv,
                           const T* log_sum_exp, std::vector<double>& sums) {
  constexpr Index rows = 64;  // queries at a time
  std::vector<T> scores(static_cast<std::size_t>(rows * p.length));
  const Index stride = p.token_stride();
  for (Index b = 0; b < p.batch; ++b)
    for (Index h = 0; h < p.heads; ++h)
      for (Index first = 0; first < p.length; first += rows) {
        const Index n = std::min(rows, p.length - first), seen = p.end_seen(first + n - 1);
        kernels<Backend>::gemm(context, Transpose::no, Transpose::yes, n, seen, p.head_dim,
                               T(p.scale), qkv + p.query_at(b, first, h), stride,
                               qkv + p.key_at(b, 0, h / p.group()), stride, T(0), scores.data(),
                               seen);
        for (Index t = first; t < first + n; ++t) {
          const T* z = scores.data() + (t - first) * seen;
          const auto lse = static_cast<double>(log_sum_exp[(b * p.heads + h) * p.length + t]);
          double entropy = lse;
          for (Index s = p.first_seen(t); s < p.end_seen(t); ++s) {
            const auto score = static_cast<double>(z[s]);
            entropy -= std::exp(score - lse) * score;
          }
          sums[static_cast<std::size_t>(h)] += entropy;
        }
      }
}

OPTIFORM_NAMESPACE_END
