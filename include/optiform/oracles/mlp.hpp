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
///   g = w2 Activation(w1 y + b1) + b2,   biases where Options.biases
///
/// Shapes    y, g: [batch, length, width]; w1 [hidden, width]; w2 [width, hidden]. Matrices are
///           stored [out, in].
/// Contract  only w1 y + b1 is kept for backward, which computes the activation again and writes it
/// in
///           its place: cheaper than a second buffer, and forward has to come before the next one.
/// Limits    tokens do not see each other.
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
      Projection<Backend, T, hidden, width, Options.biases> w1;
      Projection<Backend, T, width, hidden, Options.biases> w2;
    };
    /// Kept from forward to backward: w1 y + b1, [tokens, hidden].
    struct Cache {
      MemoryPlan::Handle preactivation;
    };
    /// Activation(w1 y + b1), in backward its gradient: [tokens, hidden].
    struct Scratch {
      MemoryPlan::Handle activated;
    };

    /// Adds the two projections.
    static Parameters declare(ParameterTable& table, const std::string& prefix, Index layers) {
      Parameters at;
      at.w1 = decltype(at.w1)::declare(table, prefix + "w1", Initialisation::normal(0.02));
      at.w2 =
          decltype(at.w2)::declare(table, prefix + "w2", output_start(layers, Options.zero_start));
      return at;
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
      at.w1.forward(context, batch * length, parameters, y,
                    MemoryPlan::at<T>(arena, cache.preactivation));
    }

    /// g = oracle(y); fills the cache.
    static void forward(Context& context, const T* parameters, const Parameters& at,
                        std::byte* arena, const Cache& cache, const Scratch& scratch, Index batch,
                        Index length, const T* y, T* g) {
      const Index tokens = batch * length;
      T* preactivation = MemoryPlan::at<T>(arena, cache.preactivation);
      T* activated = MemoryPlan::at<T>(arena, scratch.activated);
      at.w1.forward(context, tokens, parameters, y, activated, Keep<T>{preactivation, hidden},
                    Activate<Activation>{});
      at.w2.forward(context, tokens, parameters, activated, g);
    }

    /// gradients += d/d parameters, y_gradient = d/d y, given d/d g and the filled cache.
    static void backward(Context& context, const T* parameters, T* gradients, const Parameters& at,
                         std::byte* arena, const Cache& cache, const Scratch& scratch, Index batch,
                         Index length, const T* y, const T* g_gradient, T* y_gradient) {
      const Index tokens = batch * length;
      T* activated = MemoryPlan::at<T>(arena, cache.preactivation);
      T* hidden_gradient = MemoryPlan::at<T>(arena, scratch.activated);
      at.w2.backward(context, tokens, parameters, g_gradient, hidden_gradient,
                     TimesDerivativeAndActivate<Activation, T>{activated, hidden});
      at.w2.accumulate(context, tokens, g_gradient, activated, gradients);
      at.w1.accumulate(context, tokens, hidden_gradient, y, gradients);
      at.w1.backward(context, tokens, parameters, hidden_gradient, y_gradient);
    }

    /// Makes the oracle `factor` times what it was.
    static void scale(T factor, T* parameters, const Parameters& at) {
      at.w2.scale(factor, parameters);
    }
  };
};

OPTIFORM_NAMESPACE_END
