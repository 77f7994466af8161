// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/parameters.hpp>
#include <optiform/core/require.hpp>
#include <optiform/core/shape.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Opt-in of an oracle: using gradient_oracle_concept = gradient_oracle_tag.
struct gradient_oracle_tag {};

/// The tokens that sequences go on with: count[b] new ones after past[b] others, sequence after
/// sequence without gaps.
///
/// Shapes    an oracle's y and g are [tokens, width]; past, count [sequences].
struct NewTokens {
  Index tokens = 0, sequences = 0;
  const Index* past = nullptr;
  const Index* count = nullptr;  ///< 0: the sequence pauses
  Index capacity = 0;            ///< most tokens of a sequence

  /// Calls f(first sequence, sequences, tokens of each, first row) for every run of sequences that
  /// go on with equally many tokens.
  template <class F>
  void each_run(F&& f) const {
    Index row = 0;
    for (Index b = 0, n = 0; b < sequences; b += n, row += n * count[b - n]) {
      for (n = 1; b + n < sequences && count[b + n] == count[b];) ++n;
      if (count[b] > 0) f(b, n, count[b], row);
    }
  }
};

namespace archetype {

/// A backend without a single kernel: enough to read an oracle's declarations.
struct OracleBackend {};
/// A shape that every oracle accepts.
inline constexpr ModelShape oracle_shape{.width = 8, .heads = 1, .hidden = 8};

}  // namespace archetype

template <>
struct kernels<archetype::OracleBackend> {
  struct Context {};
};

namespace detail {

/// The oracle as the archetype backend sees it; function bodies are not instantiated.
template <class Oracle>
using declared_oracle =
    typename Oracle::template on<archetype::OracleBackend, double, archetype::oracle_shape>;

using OracleContext = context_t<archetype::OracleBackend>;

template <class Oracle>
concept oracle_opts_in =
    std::same_as<typename Oracle::gradient_oracle_concept, gradient_oracle_tag>;

template <class Oracle>
concept oracle_has_name = requires {
  { Oracle::name } -> std::convertible_to<std::string_view>;
};

template <class Oracle>
concept oracle_has_on = requires {
  typename declared_oracle<Oracle>;
};

template <class Oracle>
concept oracle_has_parameters = requires(ParameterTable& table, const std::string& prefix,
                                         Index layers) {
  typename declared_oracle<Oracle>::Parameters;
  {
    declared_oracle<Oracle>::declare(table, prefix, layers)
    } -> std::same_as<typename declared_oracle<Oracle>::Parameters>;
};

template <class Oracle>
concept oracle_has_cache = requires(MemoryPlan& plan, const std::string& name, Index n) {
  typename declared_oracle<Oracle>::Cache;
  {
    declared_oracle<Oracle>::reserve_cache(plan, name, n, n)
    } -> std::same_as<typename declared_oracle<Oracle>::Cache>;
};

template <class Oracle>
concept oracle_has_scratch = requires(MemoryPlan& plan, Index n, bool backward) {
  typename declared_oracle<Oracle>::Scratch;
  {
    declared_oracle<Oracle>::reserve_scratch(plan, n, n, backward)
    } -> std::same_as<typename declared_oracle<Oracle>::Scratch>;
};

template <class Oracle>
concept oracle_has_forward =
    requires(OracleContext& context, const double* in, double* out, std::byte* arena, Index n,
             const typename declared_oracle<Oracle>::Parameters& parameters,
             const typename declared_oracle<Oracle>::Cache& cache,
             const typename declared_oracle<Oracle>::Scratch& scratch) {
  declared_oracle<Oracle>::forward(context, in, parameters, arena, cache, scratch, n, n, in, out);
};

template <class Oracle>
concept oracle_has_backward =
    requires(OracleContext& context, const double* in, double* out, std::byte* arena, Index n,
             const typename declared_oracle<Oracle>::Parameters& parameters,
             const typename declared_oracle<Oracle>::Cache& cache,
             const typename declared_oracle<Oracle>::Scratch& scratch) {
  declared_oracle<Oracle>::backward(context, in, out, parameters, arena, cache, scratch, n, n, in,
                                    in, out);
};

/// Whether an oracle on its backend can go on with sequences whose past it keeps.
template <class On>
concept oracle_remembers = requires(MemoryPlan& plan, const std::string& name, Index n,
                                    typename On::Context& context, const NewTokens& tokens,
                                    std::byte* arena, const typename On::Parameters& parameters,
                                    const typename On::Cache& cache,
                                    const typename On::Scratch& scratch,
                                    const typename On::Past& past) {
  { On::reserve_past(plan, name, n, n) } -> std::same_as<typename On::Past>;
  On::decode(context, nullptr, parameters, arena, cache, scratch, past, tokens, nullptr, nullptr);
};

/// Whether an oracle on its backend keeps numbers that stay the same for the life of a workspace.
template <class On>
concept oracle_has_constants = requires(MemoryPlan& plan, std::byte* arena,
                                        typename On::Scratch& scratch, Index positions) {
  On::reserve_constants(plan, scratch, positions);
  On::write_constants(arena, scratch, positions);
};

/// Whether an oracle on its backend can fill its cache again from y, for less than a forward pass.
template <class On>
concept oracle_refills_cache = requires(typename On::Context& context, std::byte* arena,
                                        const typename On::Parameters& parameters,
                                        const typename On::Cache& cache, Index n) {
  On::refill_cache(context, nullptr, parameters, arena, cache, n, n, nullptr);
};

/// Whether an oracle says that its tokens do not see each other, so that its forward serves.
template <class Oracle>
concept oracle_keeps_tokens_apart = !Oracle::mixes_tokens;

}  // namespace detail

/// A function of the pre-normed state whose output is added as a descent direction.
///
/// An oracle is a pure description; `on<Backend, T, Shape>` instantiates it. It owns parameters,
/// keeps a cache from forward to backward, and never names a backend.
///
/// Contract  forward writes g and the cache; backward reads both and the same y, adds to the
///           parameters' gradients and overwrites y_gradient. It may use the cache up.
/// Limits    a Decoder also wants to know how an oracle goes on with a sequence: either
///           `static constexpr bool mixes_tokens = false`, or `Past`, `reserve_past` and `decode`
///           in on, as Attention has them.
/// See       CausalAttention, Mlp (<optiform/oracles/mlp.hpp> is the example to copy).
template <class Oracle>
concept GradientOracle =
    (detail::oracle_opts_in<Oracle> ||
     unmet<"add: using gradient_oracle_concept = optiform::gradient_oracle_tag">())  //
    && (detail::oracle_has_name<Oracle> ||
        unmet<"add: static constexpr std::string_view name = \"attn\"">())  //
    && (detail::oracle_has_on<Oracle> ||
        unmet<"add: template <class Backend, class T, ModelShape Shape> class on">())  //
    && (detail::oracle_has_parameters<Oracle> ||
        unmet<"expected in on: static Parameters declare(ParameterTable&, prefix, layers)">())  //
    && (detail::oracle_has_cache<Oracle> ||
        unmet<"expected in on: static Cache reserve_cache(MemoryPlan&, name, batch, length)">())  //
    && (detail::oracle_has_scratch<Oracle> ||
        unmet<"expected in on: static Scratch reserve_scratch(plan, batch, length, bool)">())  //
    && (detail::oracle_has_forward<Oracle> ||
        unmet<"expected in on: static void forward, with the arguments of oracles/mlp.hpp">())  //
    && (detail::oracle_has_backward<Oracle> ||
        unmet<"expected in on: static void backward, with the arguments of oracles/mlp.hpp">());

OPTIFORM_NAMESPACE_END
