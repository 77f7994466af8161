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
#include <optiform/oracles/options.hpp>
#include <optiform/oracles/projection.hpp>
#include <optiform/oracles/rotary.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Multi-head self-attention as a descent direction.
///
///   g = out_proj attention(qkv_proj y),   attention = softmax(q k^T / sqrt(head_dim)) v
///   Options.biases: both projections add a vector
///
/// Shapes    y, g: [batch, length, width]; qkv_proj [(heads + 2 kv_heads) head_dim, width]: rows of
///           the query heads, then of the key heads, then of the value heads; out_proj
///           [width, width]. Matrices are stored [out, in].
/// Contract  Options may add a norm of every query and key head, without a gain, and a rotation
///           after it. Both happen in place: their derivative needs the result only.
/// Limits    a sequence of length 1 gives out_proj applied to its own value. Scores of
///           rotated heads depend on the distance of their positions.
/// Errors    heads that do not divide the width, and kv_heads that do not divide the heads, are
///           refused while compiling.
/// Source    Vaswani et al., "Attention is all you need", arXiv 1706.03762; grouped queries:
/// Ainslie
///           et al., arXiv 2305.13245; norms: Henry et al., arXiv 2010.04245.
/// See       Mlp, the oracle that acts on each token alone.
template <AttentionOptions Options>
struct Attention {
  using gradient_oracle_concept = gradient_oracle_tag;
  static constexpr std::string_view name = "attn";
  static constexpr AttentionOptions options = Options;
  static_assert(Options.window >= 0,
                "optiform: Attention - a window is a number of tokens; 0 is none");
  static_assert(Options.rotary.base > 0 && Options.rotary.share >= 0 && Options.rotary.share <= 1,
                "optiform: Attention - expected a rotary base > 0 and a share in [0, 1]");

  template <class Backend, class T, ModelShape Shape>
  class on {
    static constexpr bool whole_heads =
        Shape.width > 0 && Shape.heads > 0 && Shape.width % Shape.heads == 0;
    static_assert(whole_heads,
                  "optiform: Attention - the heads do not divide the width; choose heads with "
                  "width % heads == 0");
    static_assert(!whole_heads || (Shape.kv_heads >= 0 && Shape.heads % Shape.key_heads() == 0),
                  "optiform: Attention - the kv_heads do not divide the heads; choose kv_heads "
                  "with heads % kv_heads == 0");
    using K = kernels<Backend>;
    static constexpr Index width = Shape.width;
    static constexpr Index turning_heads = Shape.heads + Shape.key_heads();
    static constexpr Index key_width = Shape.key_heads() * Shape.head_dim();
    static constexpr Index qkv_width = width + 2 * key_width;
    static constexpr Rotary rotary = Options.rotary;
    static constexpr int pairs = rotary.pairs(Shape.head_dim());
    static constexpr bool transforms = Options.qk_norm || pairs > 0;

   public:
    using Context = context_t<Backend>;

    /// Offsets into the flat parameter vector.
    struct Parameters {
      Projection<Backend, T, qkv_width, width, Options.biases> qkv_proj;
      Projection<Backend, T, width, width, Options.biases> out_proj;
    };
    /// Kept from forward to backward: [tokens, qkv_width], [tokens, width],
    /// [batch, heads, length], [tokens, heads + kv_heads] (with qk_norm).
    struct Cache {
      MemoryPlan::Handle qkv, attended, log_sum_exp, head_scale;
    };
    /// Used within backward only: [tokens, qkv_width] and [tokens, width]; and the rotary table.
    struct Scratch {
      MemoryPlan::Handle qkv_gradient, attended_gradient, rotation;
    };
    /// Keys and values of the tokens so far: [sequences, kv_heads, capacity, head_dim] each.
    struct Past {
      MemoryPlan::Handle keys, values;
    };

    /// Adds the two projections.
    static Parameters declare(ParameterTable& table, const std::string& prefix, Index layers) {
      Parameters at;
      at.qkv_proj =
          decltype(at.qkv_proj)::declare(table, prefix + "qkv_proj", Initialisation::normal(0.02));
      at.out_proj = decltype(at.out_proj)::declare(table, prefix + "out_proj",
                                                   output_start(layers, Options.zero_start));
      return at;
    }

    static Cache reserve_cache(MemoryPlan& plan, const std::string& name, Index batch,
                               Index length) {
      const Index tokens = batch * length;
      Cache cache;
      cache.qkv = plan.reserve<T>(name + "qkv", tokens * qkv_width);
      cache.attended = plan.reserve<T>(name + "attended", tokens * width);
      cache.log_sum_exp = plan.reserve<T>(name + "log_sum_exp", tokens * Shape.heads);
      if (Options.qk_norm)
        cache.head_scale = plan.reserve<T>(name + "head_scale", tokens * turning_heads);
      return cache;
    }

    static Scratch reserve_scratch(MemoryPlan& plan, Index batch, Index length, bool backward) {
      const Index tokens = batch * length;
      Scratch scratch;
      if (backward) {
        scratch.qkv_gradient = plan.reserve<T>("attn.qkv_gradient", tokens * qkv_width);
        scratch.attended_gradient = plan.reserve<T>("attn.attended_gradient", tokens * width);
      }
      return scratch;
    }

    /// The rotary table of so many positions, written once.
    static void reserve_constants(MemoryPlan& plan, Scratch& scratch,
                                  Index positions) requires(pairs > 0) {
      scratch.rotation = plan.reserve<T>("attn.rotation", positions * 2 * pairs);
    }
    static void write_constants(std::byte* arena, const Scratch& scratch,
                                Index positions) requires(pairs > 0) {
      rotary_table(rotary, Shape.head_dim(), positions, MemoryPlan::at<T>(arena, scratch.rotation));
    }

    static Past reserve_past(MemoryPlan& plan, const std::string& name, Index sequences,
                             Index capacity) {
      const Index size = sequences * capacity * key_width;
      const auto keys = plan.reserve<T>(name + "keys", size);
      const auto values = plan.reserve<T>(name + "values", size);
      return {keys, values};
    }

    /// g = oracle(y); fills the cache.
    static void forward(Context& context, const T* parameters, const Parameters& at,
                        std::byte* arena, const Cache& cache, const Scratch& scratch, Index batch,
                        Index length, const T* y, T* g) {
      const Index tokens = batch * length;
      T* qkv = MemoryPlan::at<T>(arena, cache.qkv);
      T* attended = MemoryPlan::at<T>(arena, cache.attended);
      at.qkv_proj.forward(context, tokens, parameters, y, qkv);
      if constexpr (transforms)
        K::heads_forward(context, problem(batch, length), transform(arena, scratch), qkv,
                         head_scale(arena, cache));
      K::attention_forward(context, problem(batch, length), qkv, attended,
                           MemoryPlan::at<T>(arena, cache.log_sum_exp));
      at.out_proj.forward(context, tokens, parameters, attended, g);
    }

    /// g = oracle(y) for new tokens, which also see those of the past and join them.
    ///
    /// Shapes    y, g: [new.tokens, width]; the cache as of one sequence of so many tokens.
    static void decode(Context& context, const T* parameters, const Parameters& at,
                       std::byte* arena, const Cache& cache, const Scratch& scratch,
                       const Past& past, const NewTokens& now, const T* y, T* g) {
      static_assert(Options.causal,
                    "optiform: Decoder - attention that sees the future has no next token; choose "
                    "causal = true");
      T* qkv = MemoryPlan::at<T>(arena, cache.qkv);
      T* attended = MemoryPlan::at<T>(arena, cache.attended);
      at.qkv_proj.forward(context, now.tokens, parameters, y, qkv);
      now.each_run([&](Index first, Index sequences, Index length, Index row) {
        const AttentionProblem run = problem(sequences, length);
        const Index skipped = first * now.capacity * key_width;
        if constexpr (transforms)
          K::heads_forward(context, run, transform(arena, scratch, now.past + first),
                           qkv + row * qkv_width, head_scale(arena, cache) + row * turning_heads);
        K::attention_decode(context, run, now.past + first, qkv + row * qkv_width,
                            MemoryPlan::at<T>(arena, past.keys) + skipped,
                            MemoryPlan::at<T>(arena, past.values) + skipped, now.capacity,
                            attended + row * width);
      });
      at.out_proj.forward(context, now.tokens, parameters, attended, g);
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
      at.out_proj.accumulate(context, tokens, g_gradient, attended, gradients);
      at.out_proj.backward(context, tokens, parameters, g_gradient, attended_gradient);
      K::attention_backward(context, problem(batch, length), qkv, attended, lse, attended_gradient,
                            qkv_gradient);
      if constexpr (transforms)
        K::heads_backward(context, problem(batch, length), transform(arena, scratch), qkv,
                          head_scale(arena, cache), qkv_gradient);
      at.qkv_proj.accumulate(context, tokens, qkv_gradient, y, gradients);
      at.qkv_proj.backward(context, tokens, parameters, qkv_gradient, y_gradient);
    }

    /// Makes the oracle `factor` times what it was.
    static void scale(T factor, T* parameters, const Parameters& at) {
      at.out_proj.scale(factor, parameters);
    }

    /// Sizes and scale of its attention over so many sequences.
    static AttentionProblem problem(Index batch, Index length) {
      return {.batch = batch,
              .length = length,
              .heads = Shape.heads,
              .head_dim = Shape.head_dim(),
              .kv_heads = Shape.key_heads(),
              .window = Options.window,
              .causal = Options.causal,
              .scale = 1 / math::sqrt(static_cast<double>(Shape.head_dim()))};
    }

   private:
    static HeadTransform<T> transform(std::byte* arena, const Scratch& scratch,
                                      const Index* past = nullptr) {
      return {.normalise = Options.qk_norm,
              .pairs = pairs,
              .rotation = MemoryPlan::at<T>(arena, scratch.rotation),
              .past = past};
    }
    static T* head_scale(std::byte* arena, const Cache& cache) {
      return MemoryPlan::at<T>(arena, cache.head_scale);
    }
  };
};

OPTIFORM_NAMESPACE_END
