// SPDX-License-Identifier: MIT
#pragma once

// The smallest type that models each concept, as docs/concepts shows it.
#include <cstddef>
#include <string>
#include <string_view>

#include <optiform/core/parameters.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/depth/layer.hpp>

namespace archetypes {

using namespace optiform;

// [update_rule]
struct SmallestRule : Rule {
  Scalar gamma = rate("gamma");
  constexpr Row query() const { return x; }
  constexpr void step(Row g) { x += gamma * g; }
};
// [update_rule]

// [gradient_oracle]
/// Every feature of y, times a learned factor.
struct SmallestOracle {
  using gradient_oracle_concept = gradient_oracle_tag;
  static constexpr std::string_view name = "scale";
  static constexpr bool mixes_tokens = false;  // for a Decoder

  template <class Backend, class T, ModelShape Shape>
  class on {
    static constexpr Index width = Shape.width;

   public:
    using Context = context_t<Backend>;
    struct Parameters {
      Index factor;
    };
    struct Cache {};    // nothing is kept: the block still has y
    struct Scratch {};  // and nothing is needed

    static Parameters declare(ParameterTable& table, const std::string& prefix, Index) {
      return {table.add(prefix + "factor", Role::norm, {width}, Initialisation::value(1))};
    }
    static Cache reserve_cache(MemoryPlan&, const std::string&, Index, Index) { return {}; }
    static Scratch reserve_scratch(MemoryPlan&, Index, Index, bool) { return {}; }

    static void forward(Context&, const T* parameters, const Parameters& at, std::byte*,
                        const Cache&, const Scratch&, Index batch, Index length, const T* y, T* g) {
      const T* const factor = parameters + at.factor;
      for (Index i = 0; i < batch * length * width; ++i) g[i] = factor[i % width] * y[i];
    }
    static void backward(Context&, const T* parameters, T* gradients, const Parameters& at,
                         std::byte*, const Cache&, const Scratch&, Index batch, Index length,
                         const T* y, const T* g_gradient, T* y_gradient) {
      const T* const factor = parameters + at.factor;
      for (Index i = 0; i < batch * length * width; ++i) {
        gradients[at.factor + i % width] += g_gradient[i] * y[i];
        y_gradient[i] = g_gradient[i] * factor[i % width];
      }
    }
  };
};
// [gradient_oracle]

}  // namespace archetypes

// [backend]
/// The plain loops, and a count of the matrix products that were asked for.
struct CountingBackend {};

template <>
struct optiform::kernels<CountingBackend> : optiform::kernels<optiform::Reference> {
  static inline int products = 0;

  template <class... Arguments>
  static void gemm(Context& context, Arguments... arguments) {
    ++products;
    kernels<Reference>::gemm(context, arguments...);
  }
};
// [backend]
