// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/core/epilogue.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/parameters.hpp>
#include <optiform/core/shape.hpp>
#include <optiform/oracles/concept.hpp>
#include <optiform/oracles/options.hpp>
#include <optiform/oracles/projection.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A two-layer perceptron on each token as a descent direction.
///
///   g = w2 Activation(w1 y)
///
/// Shapes    y, g: [batch, length, width]; w1 [hidden, width]; w2 [width, hidden]. Matrices are
///           stored [out, in].
/// Contract  only w1 y is kept for backward, which computes the activation again and writes it in
///           its place: cheaper than a second buffer, and forward has to come before the next one.
/// Limits    tokens do not see each other; no biases.
/// Errors    a shape without a hidden size is refused while compiling.
/// See       Gelu and ReluSquared, its usual Activations; GatedMlp; Attention, which mixes tokens.
template <class Activation, MlpOptions Options>
struct Mlp {
  using gradient_oracle_concept = gradient_oracle_tag;
  static constexpr std::string_view name = "mlp";
  static constexpr bool mixes_tokens = false;

  template <class Backend, class T, ModelShape Shape>
  class on {
    static_assert(Shape.width > 0 && Shape.hidden > 0,
                  "optiform: Mlp - the shape has no width or no hidden size; write "
                  "ModelShape{.width = d, .heads = h, .hidden = 4 * d}");
    using K = kernels<Backend>;
    static constexpr Index width = Shape.width, hidden = Shape.hidden;

   public:
    using Context = context_t<Backend>;

    /// Offsets into the flat parameter vector.
    struct Parameters {
      Index w1, w2;
    };
    /// Kept from forward to backward: w1 y, [tokens, hidden].
    struct Cache {
      MemoryPlan::Handle preactivation;
    };
    /// Activation(w1 y), in backward its gradient: [tokens, hidden].
    struct Scratch {
      MemoryPlan::Handle activated;
    };

    /// Adds the two matrices.
    static Parameters declare(ParameterTable& table, const std::string& prefix, Index layers) {
      const Index w1 = table.add(prefix + "w1.weight", Role::matrix, {hidden, width},
                                 Initialisation::normal(0.02));
      const Index w2 =
          add_projection(table, prefix + "w2.weight", width, hidden, layers, Options.zero_start);
      return {w1, w2};
    }

    static Cache reserve_cache(MemoryPlan& plan, const std::string& name, Index batch,
                               Index length) {
      return {plan.reserve<T>(name + "preactivation", batch * length * hidden)};
    }

    static Scratch reserve_scratch(MemoryPlan& plan, Index batch, Index length, bool) {
      return {plan.reserve<T>("mlp.activated", batch * length * hidden)};
    }

    /// Fills the cache, which holds nothing but a product.
    static void refill_cache(Context& context, const T* parameters, const Parameters& at,
                             std::byte* arena, const Cache& cache, Index batch, Index length,
                             const T* y) {
      K::gemm(context, Transpose::no, Transpose::yes, batch * length, hidden, width, T(1), y, width,
              parameters + at.w1, width, T(0), MemoryPlan::at<T>(arena, cache.preactivation),
              hidden);
    }

    /// g = oracle(y); fills the cache.
    static void forward(Context& context, const T* parameters, const Parameters& at,
                        std::byte* arena, const Cache& cache, const Scratch& scratch, Index batch,
                        Index length, const T* y, T* g) {
      const Index tokens = batch * length;
      T* preactivation = MemoryPlan::at<T>(arena, cache.preactivation);
      T* activated = MemoryPlan::at<T>(arena, scratch.activated);
      K::gemm(context, Transpose::no, Transpose::yes, tokens, hidden, width, T(1), y, width,
              parameters + at.w1, width, T(0), activated, hidden,
              epilogue(Keep<T>{preactivation, hidden}, Activate<Activation>{}));
      K::gemm(context, Transpose::no, Transpose::yes, tokens, width, hidden, T(1), activated,
              hidden, parameters + at.w2, hidden, T(0), g, width);
    }

    /// gradients += d/d parameters, y_gradient = d/d y, given d/d g and the filled cache.
    static void backward(Context& context, const T* parameters, T* gradients, const Parameters& at,
                         std::byte* arena, const Cache& cache, const Scratch& scratch, Index batch,
                         Index length, const T* y, const T* g_gradient, T* y_gradient) {
      const Index tokens = batch * length;
      T* activated = MemoryPlan::at<T>(arena, cache.preactivation);
      T* hidden_gradient = MemoryPlan::at<T>(arena, scratch.activated);
      K::gemm(context, Transpose::no, Transpose::no, tokens, hidden, width, T(1), g_gradient, width,
              parameters + at.w2, hidden, T(0), hidden_gradient, hidden,
              TimesDerivativeAndActivate<Activation, T>{activated, hidden});
      K::gemm(context, Transpose::yes, Transpose::no, width, hidden, tokens, T(1), g_gradient,
              width, activated, hidden, T(1), gradients + at.w2, hidden);
      K::gemm(context, Transpose::yes, Transpose::no, hidden, width, tokens, T(1), hidden_gradient,
              hidden, y, width, T(1), gradients + at.w1, width);
      K::gemm(context, Transpose::no, Transpose::no, tokens, width, hidden, T(1), hidden_gradient,
              hidden, parameters + at.w1, width, T(0), y_gradient, width);
    }
  };
};

OPTIFORM_NAMESPACE_END
