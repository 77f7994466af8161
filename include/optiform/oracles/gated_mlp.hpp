// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/parameters.hpp>
#include <optiform/core/shape.hpp>
#include <optiform/oracles/concept.hpp>
#include <optiform/oracles/options.hpp>
#include <optiform/oracles/projection.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A gated perceptron on each token as a descent direction; with Silu it is SwiGLU.
///
///   g = w2 (Activation(w1 y + b1) * (w3 y + b3)) + b2,   biases where Options.biases
///
/// Shapes    y, g: [batch, length, width]; w13 [2 hidden, width]: the rows of w1, then those of w3,
///           one matrix product for both; w2 [width, hidden]. Matrices are stored [out, in].
/// Contract  only w13 y + b13 is kept for backward; the gated product is computed again, in the
/// pass that
///           computes its derivative.
/// Limits    tokens do not see each other. For the parameters of an Mlp with hidden
///           size h, choose hidden = 2 h / 3.
/// Errors    a shape without a hidden size is refused while compiling.
/// Source    Shazeer, "GLU variants improve Transformer", arXiv 2002.05202.
/// See       Silu, Gelu; Mlp, without the gate.
template <class Activation, MlpOptions Options>
struct GatedMlp {
  using gradient_oracle_concept = gradient_oracle_tag;
  static constexpr std::string_view name = "mlp";
  static constexpr bool mixes_tokens = false;

  template <class Backend, class T, ModelShape Shape>
  class on {
    static_assert(Shape.width > 0 && Shape.hidden > 0,
                  "optiform: GatedMlp - the shape has no width or no hidden size; write "
                  "ModelShape{.width = d, .heads = h, .hidden = 8 * d / 3}");
    using K = kernels<Backend>;
    static constexpr Index width = Shape.width, hidden = Shape.hidden;

   public:
    using Context = context_t<Backend>;

    /// Offsets into the flat parameter vector.
    struct Parameters {
      Projection<Backend, T, 2 * hidden, width, Options.biases> w13;
      Projection<Backend, T, width, hidden, Options.biases> w2;
    };
    /// Kept from forward to backward: w13 y + b13, [tokens, 2 hidden].
    struct Cache {
      MemoryPlan::Handle preactivation;
    };
    /// The gated product, [tokens, hidden]; the gradient of w13 y + b13, [tokens, 2 hidden].
    struct Scratch {
      MemoryPlan::Handle gated, preactivation_gradient;
    };

    /// Adds the two projections.
    static Parameters declare(ParameterTable& table, const std::string& prefix, Index layers) {
      Parameters at;
      at.w13 = decltype(at.w13)::declare(table, prefix + "w13", Initialisation::normal(0.02));
      at.w2 =
          decltype(at.w2)::declare(table, prefix + "w2", output_start(layers, Options.zero_start));
      return at;
    }

    static Cache reserve_cache(MemoryPlan& plan, const std::string& name, Index batch,
                               Index length) {
      return {plan.reserve<T>(name + "preactivation", batch * length * 2 * hidden)};
    }

    static Scratch reserve_scratch(MemoryPlan& plan, Index batch, Index length, bool backward) {
      const Index tokens = batch * length;
      Scratch scratch;
      scratch.gated = plan.reserve<T>("mlp.gated", tokens * hidden);
      if (backward)
        scratch.preactivation_gradient =
            plan.reserve<T>("mlp.preactivation_gradient", tokens * 2 * hidden);
      return scratch;
    }

    /// Fills the cache, which holds nothing but a product.
    static void refill_cache(Context& context, const T* parameters, const Parameters& at,
                             std::byte* arena, const Cache& cache, Index batch, Index length,
                             const T* y) {
      at.w13.forward(context, batch * length, parameters, y,
                     MemoryPlan::at<T>(arena, cache.preactivation));
    }

    /// g = oracle(y); fills the cache.
    static void forward(Context& context, const T* parameters, const Parameters& at,
                        std::byte* arena, const Cache& cache, const Scratch& scratch, Index batch,
                        Index length, const T* y, T* g) {
      const Index tokens = batch * length;
      refill_cache(context, parameters, at, arena, cache, batch, length, y);
      const T* preactivation = MemoryPlan::at<T>(arena, cache.preactivation);
      T* gated = MemoryPlan::at<T>(arena, scratch.gated);
      K::template gate_forward<Activation>(context, tokens, hidden, preactivation, gated);
      at.w2.forward(context, tokens, parameters, gated, g);
    }

    /// gradients += d/d parameters, y_gradient = d/d y, given d/d g and the filled cache.
    static void backward(Context& context, const T* parameters, T* gradients, const Parameters& at,
                         std::byte* arena, const Cache& cache, const Scratch& scratch, Index batch,
                         Index length, const T* y, const T* g_gradient, T* y_gradient) {
      const Index tokens = batch * length;
      const T* preactivation = MemoryPlan::at<T>(arena, cache.preactivation);
      T* gated = MemoryPlan::at<T>(arena, scratch.gated);
      T* preactivation_gradient = MemoryPlan::at<T>(arena, scratch.preactivation_gradient);
      T* gated_gradient = gated;  // until the gate puts the product in its place
      at.w2.backward(context, tokens, parameters, g_gradient, gated_gradient);
      K::template gate_backward<Activation>(context, tokens, hidden, preactivation, gated,
                                            preactivation_gradient);
      at.w2.accumulate(context, tokens, g_gradient, gated, gradients);
      at.w13.accumulate(context, tokens, preactivation_gradient, y, gradients);
      at.w13.backward(context, tokens, parameters, preactivation_gradient, y_gradient);
    }

    /// Makes the oracle `factor` times what it was.
    static void scale(T factor, T* parameters, const Parameters& at) {
      at.w2.scale(factor, parameters);
    }
  };
};

OPTIFORM_NAMESPACE_END
