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
///   g = w2 (Activation(w1 y) * (w3 y))
///
/// Shapes    y, g: [batch, length, width]; w13 [2 hidden, width]: the rows of w1, then those of w3,
///           one matrix product for both; w2 [width, hidden]. Matrices are stored [out, in].
/// Contract  only w13 y is kept for backward; the gated product is computed again, in the pass that
///           computes its derivative.
/// Limits    tokens do not see each other; no biases. For the parameters of an Mlp with hidden
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
      Index w13, w2;
    };
    /// Kept from forward to backward: w13 y, [tokens, 2 hidden].
    struct Cache {
      MemoryPlan::Handle preactivation;
    };
    /// The gated product, [tokens, hidden]; the gradient of w13 y, [tokens, 2 hidden].
    struct Scratch {
      MemoryPlan::Handle gated, preactivation_gradient;
    };

    /// Adds the two matrices.
    static Parameters declare(ParameterTable& table, const std::string& prefix, Index layers) {
      const Index w13 = table.add(prefix + "w13.weight", Role::matrix, {2 * hidden, width},
                                  Initialisation::normal(0.02));
      const Index w2 =
          add_projection(table, prefix + "w2.weight", width, hidden, layers, Options.zero_start);
      return {w13, w2};
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
      K::gemm(context, Transpose::no, Transpose::yes, batch * length, 2 * hidden, width, T(1), y,
              width, parameters + at.w13, width, T(0),
              MemoryPlan::at<T>(arena, cache.preactivation), 2 * hidden);
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
      K::gemm(context, Transpose::no, Transpose::yes, tokens, width, hidden, T(1), gated, hidden,
              parameters + at.w2, hidden, T(0), g, width);
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
      K::gemm(context, Transpose::no, Transpose::no, tokens, hidden, width, T(1), g_gradient, width,
              parameters + at.w2, hidden, T(0), gated_gradient, hidden);
      K::template gate_backward<Activation>(context, tokens, hidden, preactivation, gated,
                                            preactivation_gradient);
      K::gemm(context, Transpose::yes, Transpose::no, width, hidden, tokens, T(1), g_gradient,
              width, gated, hidden, T(1), gradients + at.w2, hidden);
      K::gemm(context, Transpose::yes, Transpose::no, 2 * hidden, width, tokens, T(1),
              preactivation_gradient, 2 * hidden, y, width, T(1), gradients + at.w13, width);
      K::gemm(context, Transpose::no, Transpose::no, tokens, width, 2 * hidden, T(1),
              preactivation_gradient, 2 * hidden, parameters + at.w13, width, T(0), y_gradient,
              width);
    }
  };
};

OPTIFORM_NAMESPACE_END
