// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <optiform/core/parameters.hpp>
#include <optiform/core/shape.hpp>
#include <optiform/depth/coefficients.hpp>
#include <optiform/depth/ends.hpp>
#include <optiform/depth/layer.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What a training step computes again in its backward half instead of keeping it: memory for time.
/// The results are the same bits, so that it is a run-time choice and a run may change it.
enum class Recompute : unsigned char {
  nothing,
  activations,  ///< queries (norms) and what oracles can compute of them cheaply: MLP activations
  layers        ///< all within a layer; its first state and query are kept
};

/// Run-time sizes and starting values of a language model.
struct LanguageModelOptions {
  Index vocabulary = 50304;
  Index context = 1024;                 ///< longest sequence, rows of a position table
  std::vector<Index> layers = {12};     ///< per stack
  CoefficientValues coefficients = {};  ///< overrides of initial and constant values, by name
  Recompute recompute = Recompute::nothing;
};

namespace detail {

inline constexpr int max_oracles = 4;

/// Where a step finds what it learns, as offsets into the flat vector; -1: not learned.
struct StepOffsets {
  const Recording* rule = nullptr;
  Index pre_norm[2 * max_oracles]{};  ///< the columns of one norm after the other
  Index gain[2 * 4]{};
  Index coefficient[Recording::max_coefficients]{};
  double constant[Recording::max_coefficients]{};  ///< value of a coefficient that is not learned
};

/// Adds the learned vectors of a norm under `<name>.weight` and `<name>.bias`; notes where.
inline void declare_norm(ParameterTable& table, const std::string& name, Norm norm, Index width,
                         Index* at) {
  const char* const suffix[] = {".weight", ".bias"};
  for (int c = 0; c < columns_of(norm); ++c)
    at[c] = table.add(name + suffix[c], Role::norm, {width}, Initialisation::value(c == 0 ? 1 : 0));
}

/// The learned parts of one layer.
template <class L, class Backend, class T, ModelShape Shape>
struct LayerOffsets {
  template <class O>
  using on = typename O::template on<Backend, T, Shape>;
  template <class Tuple>
  struct parameters_of;
  template <class... O>
  struct parameters_of<std::tuple<O...>> {
    using type = std::tuple<typename on<O>::Parameters...>;
  };

  typename parameters_of<typename L::Oracles>::type oracle{};
  std::array<StepOffsets, static_cast<std::size_t>(L::steps)> step{};

  /// Declares the layer's tensors under the reference names `layers.<number>....`.
  static LayerOffsets declare(ParameterTable& table, Index number, Index layers,
                              const CoefficientValues& given) {
    LayerOffsets at;
    const std::string prefix = message("layers.", number, ".");
    std::array<std::string, L::oracles> name;
    [&]<std::size_t... O>(std::index_sequence<O...>) {
      ((name[O] = std::string(std::tuple_element_t<O, typename L::Oracles>::name)), ...);
    }
    (std::make_index_sequence<L::oracles>{});
    number_repeats(name);
    [&]<std::size_t... J>(std::index_sequence<J...>) {
      (declare_step<static_cast<int>(J)>(at.step[J], table, prefix, name, at.step[0], given), ...);
    }
    (std::make_index_sequence<L::steps>{});
    [&]<std::size_t... O>(std::index_sequence<O...>) {
      ((std::get<O>(at.oracle) = on<std::tuple_element_t<O, typename L::Oracles>>::declare(
            table, message(prefix, name[O], "."), layers)),
       ...);
    }
    (std::make_index_sequence<L::oracles>{});
    return at;
  }

 private:
  /// Two oracles of one name in a layer: the second is called name2.
  static void number_repeats(std::array<std::string, L::oracles>& name) {
    for (std::size_t i = name.size(); i-- > 0;) {
      int earlier = 0;
      for (std::size_t j = 0; j < i; ++j) earlier += name[j] == name[i];
      if (earlier > 0) name[i] += std::to_string(earlier + 1);
    }
  }

  template <int J>
  static void declare_step(StepOffsets& at, ParameterTable& table, const std::string& prefix,
                           const std::array<std::string, L::oracles>& name,
                           const StepOffsets& first, const CoefficientValues& given) {
    using D = typename L::template Step<J>;
    static_assert(D::oracles <= max_oracles, "optiform: Layer<Euler, ...> - at most 4 oracles");
    using First = typename L::template Step<0>;
    static_assert(!D::options.shared_gain ||
                      (First::options.shared_gain && First::rule.norms == D::rule.norms &&
                       First::options.velocity_norm == D::options.velocity_norm),
                  "optiform: DepthOptions - steps that share a gain have different norms; choose "
                  "shared_gain = false");
    at.rule = &D::rule;
    const auto width = static_cast<Index>(Shape.width);
    const auto oracle = static_cast<std::size_t>(L::first_oracle(J));
    for (int o = 0; o < D::oracles; ++o)
      declare_norm(table, message(prefix, "ln_", name[oracle + static_cast<std::size_t>(o)]),
                   D::options.pre_norm, width, at.pre_norm + o * columns_of(D::options.pre_norm));
    const std::string suffix = D::oracles > 1 ? std::string() : "_" + name[oracle];
    constexpr bool shared = D::options.shared_gain;
    constexpr short each = columns_of(D::options.velocity_norm);
    for (int n = 0; n < D::gains; ++n) at.gain[n] = first.gain[n];
    for (int n = 0; n < D::rule.norms && !(shared && J > 0); ++n) {
      const std::string numbered = n == 0 ? std::string() : std::to_string(n + 1);
      declare_norm(table,
                   message(prefix, D::rule.norm_name[n], numbered, shared ? std::string() : suffix),
                   D::options.velocity_norm, width, at.gain + n * each);
    }
    for (short c = 0; c < D::coefficients; ++c) {
      const CoefficientInfo& info = D::rule.coefficient[c];
      at.coefficient[c] = -1;
      at.constant[c] = info.kind == CoefficientKind::rate ? 1 : initial_value(info, given);
      if (!is_learned(info)) continue;
      std::vector<Index> shape;
      if (info.extent == Extent::one) shape = {1};
      at.coefficient[c] = table.add(message(prefix, info.name, suffix, "_raw"), Role::scalar, shape,
                                    Initialisation::value(initial_raw(info, given)));
    }
  }
};

/// The layer types of a segment: a Layer stands for a Stack of it, an end has none.
template <class S>
struct segment_layers {
  using type = std::conditional_t<read_end<S>::is_end, std::tuple<>, std::tuple<S>>;
};
template <class L>
struct segment_layers<Stack<L>> {
  using type = std::tuple<L>;
};

/// Step J of one of the layers of stack I.
template <std::size_t I, int J>
struct Place {
  static constexpr std::size_t stack = I;
  static constexpr int step = J;
  Index layer = 0;
};
/// What comes after the last step.
struct TheEnd {};

template <class Types, class At>
struct step_at {
  using type = typename Types::template Layer<At::stack>::template Step<At::step>;
};
template <class Types>
struct step_at<Types, TheEnd> {
  using type = void;
};

/// The program between two steps, or between the last one and the head.
template <class A, class B, Norm Final>
struct program_between {
  using type = Boundary<A, B>;
};
template <class A, Norm Final>
struct program_between<A, void, Final> {
  using type = Closing<A, Final>;
};

/// The types a language model is made of.
template <class B, class Scalar, ModelShape S, class... Segments>
struct ModelTypes {
  using Backend = B;
  using T = Scalar;
  static constexpr ModelShape shape = S;
  static constexpr Index width = S.width;
  static constexpr Ends ends = ends_of<Segments...>();
  using Layers =
      decltype(std::tuple_cat(std::declval<typename segment_layers<Segments>::type>()...));
  static constexpr std::size_t stacks = std::tuple_size_v<Layers>;
  static_assert(stacks > 0,
                "optiform: LanguageModel - expected at least one Layer or Stack<Layer>");
  static_assert(ends.embeddings <= 1 && ends.heads <= 1,
                "optiform: LanguageModel - expected at most one Embedding and one Head");
  static_assert(ends.head.soft_cap >= 0,
                "optiform: HeadOptions - a soft cap is a positive number; 0 is none");
  using Stacks = std::make_index_sequence<stacks>;
  template <std::size_t I>
  using Layer = std::tuple_element_t<I, Layers>;
  using FirstStep = typename Layer<0>::template Step<0>;
  static constexpr short streams = FirstStep::streams;
  /// Numbers per token of a stream.
  static constexpr Index stream_size(short s) {
    return FirstStep::rule.stream[s].unit == Unit::row
               ? width
               : UnitShape{S.heads, S.head_dim()}.size(Unit::square);
  }
  /// The dynamics of the step at a Place; void at TheEnd.
  template <class At>
  using StepAt = typename step_at<ModelTypes, At>::type;
  /// The row program between a Place and what comes after it.
  template <class Here, class Next>
  using Between = typename program_between<StepAt<Here>, StepAt<Next>, ends.head.norm>::type;
  /// Calls f(the Place after this one, or TheEnd).
  template <std::size_t I, int J, class F>
  static void after(const std::vector<Index>& layers, Place<I, J> here, F&& f) {
    if constexpr (J + 1 < Layer<I>::steps) {
      f(Place<I, J + 1>{here.layer});
    } else if (here.layer + 1 < layers[I]) {
      f(Place<I, 0>{here.layer + 1});
    } else if constexpr (I + 1 < stacks) {
      f(Place<I + 1, 0>{0});
    } else {
      f(TheEnd{});
    }
  }
  /// Calls f<I>() for every stack, in order.
  template <class F>
  static void each_stack(F&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (f.template operator()<I>(), ...); }
    (Stacks{});
  }
};

/// All learnable tensors of a language model and where they lie.
template <class Types>
struct ModelParameters {
  template <std::size_t I>
  using Layer = LayerOffsets<typename Types::template Layer<I>, typename Types::Backend,
                             typename Types::T, Types::shape>;
  template <std::size_t... I>
  static std::tuple<std::vector<Layer<I>>...> layers_of(std::index_sequence<I...>);

  ParameterTable table;
  Index tokens = 0, positions = -1;  ///< -1: there is no such table
  Index stream_tokens[Recording::max_streams]{}, stream_positions[Recording::max_streams]{};
  Index final_norm[2]{};  ///< its columns
  Index head = 0;         ///< [vocabulary, width]
  decltype(layers_of(typename Types::Stacks{})) layers;

  /// Where a step finds what it learns.
  template <std::size_t I, int J>
  const StepOffsets& step(Place<I, J> at) const {
    return std::get<I>(layers)[static_cast<std::size_t>(at.layer)]
        .step[static_cast<std::size_t>(J)];
  }

  explicit ModelParameters(const LanguageModelOptions& options) {
    const auto normal = Initialisation::normal(0.02);
    const Index width = Types::width;
    const auto embedding = [&](const std::string& name, Index rows) {
      return table.add(name, Role::embedding, {rows, width}, normal);
    };
    tokens = embedding("tok_emb.weight", options.vocabulary);
    constexpr bool with_positions = Types::ends.embedding.positions;
    if (with_positions) positions = embedding("pos_emb.weight", options.context);
    using First = typename Types::FirstStep;
    for (short s = 0; s < Types::streams; ++s) {
      const StreamInfo& info = First::rule.stream[s];
      stream_tokens[s] = stream_positions[s] = -1;
      if (info.init != Init::learned || First::options.start == StreamStart::zeros) continue;
      const std::string prefix = info.names.prefix != nullptr ? info.names.prefix : info.name;
      stream_tokens[s] = embedding(prefix + "_tok_emb.weight", options.vocabulary);
      if (with_positions)
        stream_positions[s] = embedding(prefix + "_pos_emb.weight", options.context);
    }
    Index total = 0, number = 0;
    for (const Index n : options.layers) total += n;
    Types::each_stack([&]<std::size_t I>() {
      for (Index l = 0; l < options.layers[I]; ++l)
        std::get<I>(layers).push_back(
            Layer<I>::declare(table, number++, total, options.coefficients));
    });
    constexpr HeadOptions end = Types::ends.head;
    declare_norm(table, "final_ln", end.norm, width, final_norm);
    head = end.tied ? tokens
                    : table.add("head.weight", Role::embedding, {options.vocabulary, width},
                                end.zero_start ? Initialisation::value(0) : normal);
  }
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
