// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <optiform/core/attention_problem.hpp>

namespace optiform::testing {

struct AttentionChoices {
  Index kv_heads = 0, window = 0;
  bool causal = true;
};

/// With the usual scale of the scores.
inline AttentionProblem attention_problem(Index batch, Index length, Index heads, Index head_dim,
                                          const AttentionChoices& choices = {}) {
  return {.batch = batch,
          .length = length,
          .heads = heads,
          .head_dim = head_dim,
          .kv_heads = choices.kv_heads,
          .window = choices.window,
          .causal = choices.causal,
          .scale = 1 / std::sqrt(static_cast<double>(head_dim))};
}

}  // namespace optiform::testing
