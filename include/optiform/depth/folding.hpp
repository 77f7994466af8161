// SPDX-License-Identifier: MIT
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <optiform/core/memory.hpp>
#include <optiform/depth/folding_rules.hpp>
#include <optiform/depth/language_model.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Whether somebody said how a rule folds.
template <class R>
concept rule_folds = requires(const CoefficientValues& was, double& unit, CoefficientValues& is) {
  RuleFolding<R>::fold(was, Norm::none, unit, is);
};

template <class R>
concept rule_finishes = requires(double unit, CoefficientValues& constants) {
  RuleFolding<R>::finish(unit, constants);
};

/// The description with every rule replaced by what is left of it.
template <class Part>
struct folded {
  using type = Part;  // an end of the network, or a splitting
};
template <class R, class O, DepthOptions Options>
struct folded<ResidualBlock<R, O, Options>> {
  static_assert(rule_folds<R>,
                "optiform: fold - it is not known how this rule folds; specialise RuleFolding "
                "[docs/interchange.md]");
  using type = ResidualBlock<typename RuleFolding<R>::type, O, Options>;
};
template <class First, class... Rest>
struct folded<Layer<First, Rest...>> {
  using type = Layer<typename folded<First>::type, typename folded<Rest>::type...>;
};
template <class L>
struct folded<Stack<L>> {
  using type = Stack<typename folded<L>::type>;
};
template <ModelShape Shape, class... Segments>
struct folded<LanguageModel<Shape, Segments...>> {
  using type = LanguageModel<Shape, typename folded<Segments>::type...>;
};

}  // namespace detail

/// A network's type after `fold`.
template <class Network>
using Folded = typename detail::folded<Network>::type;

/// A model whose rules have no scales of their own, and its parameters.
template <class Model>
struct FoldedModel {
  Model model;
  Buffer<typename Model::Scalar> values;
};

namespace detail {

/// Whether an oracle on its backend can become a multiple of itself.
template <class On, class T>
concept oracle_scales = requires(T* parameters, const typename On::Parameters& at) {
  On::scale(T(1), parameters, at);
};

/// Moves the scales of a model's rules into its weights.
template <class Model>
class Folding {
  using Types = typename Model::Types;
  using T = typename Types::T;
  using Result =
      typename Folded<typename Model::Description>::template on<typename Types::Backend, T>;
  template <class At>
  using Step = typename Types::template StepAt<At>;
  template <class At>
  using Rule = RuleFolding<typename Step<At>::Rule>;

 public:
  Folding(const Model& model, const T* values) : model_(model), values_(values) {
    each_step([&](auto here, std::size_t) { plan(here); });
  }

  FoldedModel<Result> result() const {
    LanguageModelOptions options = model_.options();
    options.coefficients = constants_;
    FoldedModel<Result> folded{Result(std::move(options)), {}};
    folded.values.reset(folded.model.parameters().total());
    T* const out = folded.values.data();
    for (const ParameterInfo& tensor : folded.model.parameters().entries()) {
      const ParameterInfo* const source = model_.parameters().find(tensor.name);
      if (source == nullptr || source->size != tensor.size)
        fail("the folded rule has the tensor '", tensor.name, "' of ", tensor.size,
             " numbers; expected one that the model has");
      const T* const from = values_ + source->offset;
      for (Index i = 0; i < tensor.size; ++i) out[tensor.offset + i] = from[i];
    }
    const auto& to = folded.model.parameters_;
    each_step([&](auto here, std::size_t k) { move(here, steps_[k], to, out); });
    return folded;
  }

 private:
  struct Moved {
    StepScales scales;
    CoefficientValues coefficients;  ///< those that change
  };

  /// Calls f(place, number through all layers) for every step.
  template <class F>
  void each_step(F&& f) const {
    std::size_t k = 0;
    Types::each_stack([&]<std::size_t I>() {
      for (Index l = 0; l < model_.options().layers[I]; ++l)
        [&]<int... J>(std::integer_sequence<int, J...>) { (f(Place<I, J>{l}, k++), ...); }
      (std::make_integer_sequence<int, Types::template Layer<I>::steps>{});
    });
  }

  template <class Here>
  void plan(Here here) {
    using D = Step<Here>;
    static_assert(D::options.velocity_norm != Norm::none || !Rule<Here>::needs_norm,
                  "optiform: fold - without a norm of its increment a rule has no gain that could "
                  "hold gamma; choose a velocity_norm");
    static_assert(!D::options.shared_gain || !Rule<Here>::scales_gain,
                  "optiform: fold - steps that share one gain cannot each scale it; choose "
                  "shared_gain = false");
    const StepOffsets& at = model_.parameters_.step(here);
    CoefficientValues was;
    for (short c = 0; c < D::coefficients; ++c) {
      const CoefficientInfo& info = D::rule.coefficient[c];
      const Index learned = at.coefficient[c];
      was.set(info.name, info.pinned ? info.pinned_value
                         : learned >= 0
                             ? mapped_coefficient(info, static_cast<double>(values_[learned]))
                             : at.constant[c]);
      if (info.kind != CoefficientKind::constant || info.pinned) continue;
      const double* const other = constants_.find(info.name);
      if (other != nullptr && *other != at.constant[c])
        fail("the constant '", info.name, "' is ", *other, " in one rule of the model and ",
             at.constant[c], " in another; expected the same, since a folded model has one");
      constants_.set(info.name, at.constant[c]);
    }
    Moved moved;
    moved.scales = Rule<Here>::fold(was, D::options.velocity_norm, unit_, moved.coefficients);
    steps_.push_back(std::move(moved));
    Types::after(model_.options().layers, here, [&](auto next) { finish<Here>(next); });
  }
  /// After the last step constants see the scale of the velocity there.
  template <class Here, class Next>
  void finish(Next) {
    if constexpr (std::is_same_v<Next, TheEnd> && rule_finishes<typename Step<Here>::Rule>)
      Rule<Here>::finish(unit_, constants_);
  }

  template <class Here, class Offsets>
  static void move(Here here, const Moved& moved, const Offsets& to, T* out) {
    using D = Step<Here>;
    using L = typename Types::template Layer<Here::stack>;
    const StepOffsets& at = to.step(here);
    for (short c = 0; c < D::gains; ++c)
      for (Index i = 0; i < Types::width; ++i) out[at.gain[c] + i] *= T(moved.scales.gain);
    for (short c = 0; c < at.rule->coefficients; ++c) {
      const CoefficientInfo& info = at.rule->coefficient[c];
      if (at.coefficient[c] >= 0 && moved.coefficients.find(info.name) != nullptr)
        out[at.coefficient[c]] = T(initial_raw(info, moved.coefficients));
    }
    const auto& oracles =
        std::get<Here::stack>(to.layers)[static_cast<std::size_t>(here.layer)].oracle;
    [&]<std::size_t... O>(std::index_sequence<O...>) {
      constexpr auto first = static_cast<std::size_t>(L::first_oracle(Here::step));
      (scale<std::tuple_element_t<first + O, typename L::Oracles>>(T(moved.scales.oracle), out,
                                                                   std::get<first + O>(oracles)),
       ...);
    }
    (std::make_index_sequence<static_cast<std::size_t>(D::oracles)>{});
  }
  template <class Oracle, class At>
  static void scale(T factor, T* out, const At& at) {
    using On = typename Oracle::template on<typename Types::Backend, T, Types::shape>;
    static_assert(oracle_scales<On, T>,
                  "optiform: fold - an oracle does not say how it is scaled; add static void "
                  "scale(T factor, T* parameters, const Parameters& at) "
                  "[docs/concepts/gradient_oracle.md]");
    if (factor != T(1)) On::scale(factor, out, at);
  }

  const Model& model_;
  const T* values_;
  std::vector<Moved> steps_;
  CoefficientValues constants_;
  double unit_ = 1;
};

}  // namespace detail

/// The model for deployment: scales that a rule learned beside its weights move into the weights.
///
///   auto folded = fold(model, values);                     // folded.model, folded.values
///   typename decltype(folded.model)::Decoder decoder(folded.model, 1, 256);
///
///   TripleMomentum, Nesterov, HeavyBall   gamma into the oracle's last projection, nu into the
///                                         gain of ln_v and the next step's mu and beta
///   RmsProp, Adam, AdamW, NAdam, Ortho,   gamma into the gain of ln_update
///   Muon, Shampoo, Soap
///   GradientDescent                       stays
///
/// Contract  the same logits but for rounding: no norm sees other numbers than before, so that its
///           epsilon does not matter. The folded model trains, decodes and is saved like any other;
///           it has fewer coefficients, and mu and beta may exceed 1.
/// Errors    gains shared by steps with a nu or gamma of their own, increments without a norm, and
///           rules of which nothing is known are refused while compiling.
/// See       RuleFolding, to teach it another rule.
template <class Model>
auto fold(const Model& model, const typename Model::Scalar* values) {
  return detail::Folding<Model>(model, values).result();
}

OPTIFORM_NAMESPACE_END
