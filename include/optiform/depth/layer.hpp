// SPDX-License-Identifier: MIT
#pragma once

#include <tuple>
#include <type_traits>

#include <optiform/depth/dynamics.hpp>
#include <optiform/oracles/concept.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// One pre-norm sublayer as one optimizer step: the rule asks the oracle at its query point and
/// makes its step with the answer. A pure description; a LanguageModel gives it shapes.
///
/// Limits    ResidualBlock<GradientDescent, CausalAttention> is the ordinary pre-norm residual
///           connection x + attention(LN(x)).
/// Source    arXiv 2601.23236, arXiv 2605.24425.
template <class R, class O, DepthOptions Options = DepthOptions{}>
  requires UpdateRule<R> && GradientOracle<O>
struct ResidualBlock {
  using Rule = R;
  using Oracle = O;
  static constexpr DepthOptions options = Options;
};

/// One optimizer step per oracle, each at the state the one before has left.
struct LieTrotter {};
/// One optimizer step per layer, on the sum of all oracles at the same query point.
struct Euler {};

namespace detail {

template <class T>
inline constexpr bool is_residual_block = false;
template <class R, class O, DepthOptions P>
inline constexpr bool is_residual_block<ResidualBlock<R, O, P>> = true;

template <class First, class... Blocks>
struct euler_step {
  static_assert((std::is_same_v<typename First::Rule, typename Blocks::Rule> && ...),
                "optiform: Layer<Euler, ...> - one step needs one rule; give all blocks of the "
                "layer the same rule");
  static_assert(((First::options == Blocks::options) && ...),
                "optiform: Layer<Euler, ...> - one step needs one set of options; give all blocks "
                "of the layer the same DepthOptions");
  using type = Dynamics<typename First::Rule, First::options, 1 + sizeof...(Blocks)>;
};

template <class Splitting, class... Blocks>
struct layer_steps;
template <class... Blocks>
struct layer_steps<LieTrotter, Blocks...> {
  using type = std::tuple<Dynamics<typename Blocks::Rule, Blocks::options, 1>...>;
};
template <class... Blocks>
struct layer_steps<Euler, Blocks...> {
  using type = std::tuple<typename euler_step<Blocks...>::type>;
};

template <class S, class... Blocks>
struct LayerDescription {
  static_assert(sizeof...(Blocks) > 0, "optiform: Layer - a layer has at least one ResidualBlock");
  static_assert((is_residual_block<Blocks> && ...),
                "optiform: Layer - expected Layer<ResidualBlock<Rule, Oracle>...>, optionally with "
                "LieTrotter or Euler in front");
  using Splitting = S;
  using Oracles = std::tuple<typename Blocks::Oracle...>;
  using Steps = typename layer_steps<S, Blocks...>::type;
  static constexpr int oracles = static_cast<int>(sizeof...(Blocks));
  static constexpr int steps = static_cast<int>(std::tuple_size_v<Steps>);
  /// Number of the first oracle that step j asks.
  static constexpr int first_oracle(int j) { return std::is_same_v<S, Euler> ? 0 : j; }
  template <int J>
  using Step = std::tuple_element_t<J, Steps>;
};

}  // namespace detail

/// A layer: residual blocks, composed by a splitting.
///
///   Layer<ResidualBlock<Nesterov, CausalAttention>, ResidualBlock<Nesterov, Mlp<Gelu>>>
///   Layer<Euler, ResidualBlock<...>, ResidualBlock<...>>
template <class First, class... Rest>
struct Layer : detail::LayerDescription<LieTrotter, First, Rest...> {};
template <class... Blocks>
struct Layer<LieTrotter, Blocks...> : detail::LayerDescription<LieTrotter, Blocks...> {};
template <class... Blocks>
struct Layer<Euler, Blocks...> : detail::LayerDescription<Euler, Blocks...> {};

/// One layer type repeated by a run-time loop; several stacks make a hybrid network.
template <class L>
struct Stack {
  using Repeated = L;
};

/// The usual Transformer layer of a rule: attention, then the MLP.
template <class R, class Attention, class Mlp, DepthOptions Options = DepthOptions{}>
using TransformerLayer =
    Layer<ResidualBlock<R, Attention, Options>, ResidualBlock<R, Mlp, Options>>;

OPTIFORM_NAMESPACE_END
