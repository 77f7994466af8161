// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/parameters.hpp>
#include <optiform/core/shape.hpp>
#include <optiform/oracles/concept.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Causal multi-head self-attention as a descent direction.
///
///   g = out_proj attention(qkv_proj y),   attention = softmax(q k^T / sqrt(head_dim)) v
///
/// Shapes    y, g: [batch, length, width]; qkv_proj [3 width, width]: rows 0..width-1 make the
///           queries, then keys, then values, head h in rows h head_dim of each; out_proj
///           [width, width]. Matrices are stored [out, in].
/// Limits    a sequence of length 1 gives out_proj applied to its own value; no biases.
/// Errors    heads that do not divide the width are refused while compiling.
/// Source    Vaswani et al., "Attention is all you need", arXiv 1706.03762.
/// See       Mlp, the oracle that acts on each token alone.
struct CausalAttention {
  using gradient_oracle_concept = gradient_oracle_tag;
  static constexpr std::string_view name = "attn";

  template <class Backend, class T, ModelShape Shape>
  class on {
    static_assert(Shape.width > 0 && Shape.heads > 0 && Shape.width % Shape.heads == 0,
                  "optiform: CausalAttention - the heads do not divide the width; choose heads "
                  "with width % heads == 0");
    using K = kernels<Backend>;
    static constexpr Index width = Shape.width;

   public:
    using Context = context_t<Backend>;

    /// Offsets into the flat parameter vector.
    struct Parameters {
      Index qkv_proj, out_proj;
    };
    /// Kept from forward to backward: [tokens, 3 width], [tokens, width], [batch, heads, length].
    struct Cache {
      MemoryPlan::Handle qkv, attended, log_sum_exp;
    };
    /// Used within backward only: [tokens, 3 width] and [tokens, width].
    struct Scratch {
      MemoryPlan::Handle qkv_gradient, attended_gradient;
    };
    /// Keys and values of the tokens so far: [sequences, heads, capacity, head_dim] each.
    struct Past {
      MemoryPlan::Handle keys, values;
    };

    /// Adds the two matrices; the one that writes to the residual stream starts smaller.
    static Parameters declare(ParameterTable& table, const std::string& prefix, Index layers) {
      const double residual = 0.02 / math::sqrt(2 * static_cast<double>(layers));
      const Index qkv_proj = table.add(prefix + "qkv_proj.weight", Role::matrix, {3 * width, width},
                                       Initialisation::normal(0.02));
      const Index out_proj = table.add(prefix + "out_proj.weight", Role::matrix, {width, width},
                                       Initialisation::normal(residual));
      return {qkv_proj, out_proj};
    }

    static Cache reserve_cache(MemoryPlan& plan, const std::string& name, Index batch,
                               Index length) {
      const Index tokens = batch * length;
      const auto qkv = plan.reserve<T>(name + "qkv", tokens * 3 * width);
      const auto attended = plan.reserve<T>(name + "attended", tokens * width);
      const auto lse = plan.reserve<T>(name + "log_sum_exp", tokens * Shape.heads);
      return {qkv, attended, lse};
    }

    static Scratch reserve_scratch(MemoryPlan& plan, Index batch, Index length, bool backward) {
      if (!backward) return {};
      const Index tokens = batch * length;
      const auto qkv = plan.reserve<T>("attn.qkv_gradient", tokens * 3 * width);
      const auto attended = plan.reserve<T>("attn.attended_gradient", tokens * width);
      return {qkv, attended};
    }

    static Past reserve_past(MemoryPlan& plan, const std::string& name, Index sequences,
                             Index capacity) {
      const Index size = sequences * capacity * width;
      const auto keys = plan.reserve<T>(name + "keys", size);
      const auto values = plan.reserve<T>(name + "values", size);
      return {keys, values};
    }

    /// g = oracle(y); fills the cache.
    static void forward(Context& context, const T* parameters, const Parameters& at,
                        std::byte* arena, const Cache& cache, const Scratch&, Index batch,
                        Index length, const T* y, T* g) {
      const Index tokens = batch * length;
      T* qkv = MemoryPlan::at<T>(arena, cache.qkv);
      T* attended = MemoryPlan::at<T>(arena, cache.attended);
      K::gemm(context, Transpose::no, Transpose::yes, tokens, 3 * width, width, T(1), y, width,
              parameters + at.qkv_proj, width, T(0), qkv, 3 * width);
      K::attention_forward(context, problem(batch, length), qkv, attended,
                           MemoryPlan::at<T>(arena, cache.log_sum_exp));
      K::gemm(context, Transpose::no, Transpose::yes, tokens, width, width, T(1), attended, width,
              parameters + at.out_proj, width, T(0), g, width);
    }

    /// g = oracle(y) for new tokens, which also see those of the past and join them.
    ///
    /// Shapes    y, g: [new.tokens, width]; the cache as of one sequence of so many tokens.
    static void decode(Context& context, const T* parameters, const Parameters& at,
                       std::byte* arena, const Cache& cache, const Scratch&, const Past& past,
                       const NewTokens& now, const T* y, T* g) {
      T* qkv = MemoryPlan::at<T>(arena, cache.qkv);
      T* attended = MemoryPlan::at<T>(arena, cache.attended);
      K::gemm(context, Transpose::no, Transpose::yes, now.tokens, 3 * width, width, T(1), y, width,
              parameters + at.qkv_proj, width, T(0), qkv, 3 * width);
      now.each_run([&](Index first, Index sequences, Index length, Index row) {
        const Index skipped = first * now.capacity * width;
        K::attention_decode(context, problem(sequences, length), now.past + first,
                            qkv + row * 3 * width, MemoryPlan::at<T>(arena, past.keys) + skipped,
                            MemoryPlan::at<T>(arena, past.values) + skipped, now.capacity,
                            attended + row * width);
      });
      K::gemm(context, Transpose::no, Transpose::yes, now.tokens, width, width, T(1), attended,
              width, parameters + at.out_proj, width, T(0), g, width);
    }

    /// gradients += d/d parameters, y_gradient = d/d y, given d/d g and the filled cache.
    static void backward(Context& context, const T* parameters, T* gradients, const Parameters& at,
                         std::byte* arena, const Cache& cache, const Scratch& scratch, Index batch,
                         Index length, const T* y, const T* g_gradient, T* y_gradient) {
      const Index tokens = batch * length;
      const T* qkv = MemoryPlan::at<T>(arena, cache.qkv);
      const T* attended = MemoryPlan::at<T>(arena, cache.attended);
      const T* lse = MemoryPlan::at<T>(arena, cache.log_sum_exp);
      T* qkv_gradient = MemoryPlan::at<T>(arena, scratch.qkv_gradient);
      T* attended_gradient = MemoryPlan::at<T>(arena, scratch.attended_gradient);
      K::gemm(context, Transpose::yes, Transpose::no, width, width, tokens, T(1), g_gradient, width,
              attended, width, T(1), gradients + at.out_proj, width);
      K::gemm(context, Transpose::no, Transpose::no, tokens, width, width, T(1), g_gradient, width,
              parameters + at.out_proj, width, T(0), attended_gradient, width);
      K::attention_backward(context, problem(batch, length), qkv, attended, lse, attended_gradient,
                            qkv_gradient);
      K::gemm(context, Transpose::yes, Transpose::no, 3 * width, width, tokens, T(1), qkv_gradient,
              3 * width, y, width, T(1), gradients + at.qkv_proj, width);
      K::gemm(context, Transpose::no, Transpose::no, tokens, width, 3 * width, T(1), qkv_gradient,
              3 * width, parameters + at.qkv_proj, width, T(0), y_gradient, width);
    }

   private:
    static AttentionProblem problem(Index batch, Index length) {
      return {.batch = batch,
              .length = length,
              .heads = Shape.heads,
              .head_dim = Shape.head_dim(),
              .causal = true,
              .scale = 1 / math::sqrt(static_cast<double>(Shape.head_dim()))};
    }
  };
};

OPTIFORM_NAMESPACE_END
