// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <optiform/depth/language_model.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A coefficient as a layer has learned it.
struct LearnedCoefficient {
  Index layer = 0;     ///< through all stacks
  std::string oracle;  ///< whose step it belongs to; empty where one step asks all oracles
  std::string name;    ///< as the rule calls it
  double value = 0;    ///< mapped: what the step multiplies by
};

namespace detail {

/// Only chosen layers run their rule; in the others every step is plain.
template <class Types>
struct HybridGuide : AsTrained {
  const LayerChoice& chosen;
  std::array<Index, Types::stacks> first;  ///< number of each stack's first layer

  HybridGuide(const LayerChoice& layers, const std::array<Index, Types::stacks>& of_stack)
      : chosen(layers), first(of_stack) {}

  template <std::size_t I, int J, class F>
  void choose(Place<I, J> at, F&& f) const {
    if (chosen.contains(first[I] + at.layer))
      f(at);
    else
      AllPlain<Types>().choose(at, f);
  }
  template <class End, class F>
  void choose(End end, F&& f) const {
    f(end);
  }
};

/// Shows what every oracle has just kept.
template <class Types, class F>
struct ObservingGuide : AsTrained {
  ModelWorkspace<Types>& workspace;
  std::array<Index, Types::stacks> first;  ///< number of each stack's first layer
  F& show;

  ObservingGuide(ModelWorkspace<Types>& w, const std::array<Index, Types::stacks>& of_stack, F& f)
      : workspace(w), first(of_stack), show(f) {}

  template <std::size_t I, int J>
  void answered(Place<I, J> at) const {
    using L = typename Types::template Layer<I>;
    const auto& caches = std::get<I>(workspace.layout().oracles).cache;
    const auto& cache = caches[static_cast<std::size_t>(at.layer)];
    [&]<std::size_t... O>(std::index_sequence<O...>) {
      constexpr auto oracle = static_cast<std::size_t>(L::first_oracle(J));
      (show.template
       operator()<typename std::tuple_element_t<oracle + O, typename L::Oracles>::template on<
           typename Types::Backend, typename Types::T, Types::shape>>(
           first[I] + at.layer, workspace.arena(), std::get<oracle + O>(cache)),
       ...);
    }
    (std::make_index_sequence<static_cast<std::size_t>(L::template Step<J>::oracles)>{});
  }
};

}  // namespace detail

/// Looks into a trained language model: what its layers have learned, what its oracles keep, and
/// what it would say if some of its layers were ordinary ones.
///
///   Model::on<Cpu, float>::Inspector inspector(model);
///   inspector.loss(context, values, workspace, tokens, targets, LayerChoice(12).add(0, 5));
///
/// Contract  runs the model's own passes, steered; the model outlives the inspector. A workspace of
///           any Pass but generation serves.
template <class Model>
class Inspector {
  using Types = typename Model::Types;
  using T = typename Model::Scalar;

 public:
  using Context = typename Model::Context;
  using Workspace = typename Model::Workspace;

  explicit Inspector(const Model& model) : model_(model) {
    Types::each_stack([&]<std::size_t I>() {
      first_[I] = layers_;
      layers_ += model.options().layers[I];
    });
  }

  /// Of all stacks together.
  Index layers() const { return layers_; }

  /// Mean loss, where the chosen layers run their rule and the others are pre-norm residual layers
  /// x + attention(LN(x)), x + mlp(LN(x)), past which streams go unchanged.
  /// Errors  a choice among another number of layers; those of Model::loss.
  double loss(Context& context, const T* values, Workspace& workspace, const std::int32_t* tokens,
              const std::int32_t* targets, const LayerChoice& chosen) const {
    if (chosen.layers() != layers_)
      fail("the choice is among ", chosen.layers(), " layers; expected the model's ", layers_);
    model_.check("target", targets, workspace.tokens());
    auto pass = run(context, values, workspace, tokens);
    pass.forward(tokens, detail::HybridGuide<Types>(chosen, first_));
    return pass.head(targets, nullptr, 0);
  }

  /// Runs the model and calls show<Oracle on the backend>(layer, arena, its cache) after every
  /// oracle, in order.
  template <class F>
  void each_answer(Context& context, const T* values, Workspace& workspace,
                   const std::int32_t* tokens, F&& show) const {
    run(context, values, workspace, tokens)
        .forward(tokens, detail::ObservingGuide<Types, std::remove_reference_t<F>>(workspace,
                                                                                   first_, show));
  }

  /// What the layers have learned beside matrices, in order.
  std::vector<LearnedCoefficient> coefficients(const T* values) const {
    std::vector<LearnedCoefficient> all;
    Index number = 0;
    Types::each_stack([&]<std::size_t I>() {
      for (const auto& layer : std::get<I>(model_.parameters_.layers)) {
        for (const detail::StepOffsets& step : layer.step)
          for (short c = 0; c < step.rule->coefficients; ++c)
            if (step.coefficient[c] >= 0)
              all.push_back(learned(number, step.rule->coefficient[c], step.coefficient[c],
                                    static_cast<double>(values[step.coefficient[c]])));
        ++number;
      }
    });
    return all;
  }

 private:
  typename Model::Run run(Context& context, const T* values, Workspace& workspace,
                          const std::int32_t* tokens) const {
    model_.check("token", tokens, workspace.tokens());
    return {context, model_.options_, model_.parameters_, values, workspace};
  }

  /// Its tensor is called layers.<number>.<name>[_<oracle>]_raw.
  LearnedCoefficient learned(Index number, const CoefficientInfo& info, Index offset,
                             double raw) const {
    const std::string prefix = message("layers.", number, ".", info.name);
    constexpr std::size_t raw_suffix = 4;
    std::string oracle;
    for (const ParameterInfo& p : model_.parameters().entries())
      if (p.offset == offset && p.name.size() > prefix.size() + raw_suffix)
        oracle = p.name.substr(prefix.size() + 1, p.name.size() - prefix.size() - 1 - raw_suffix);
    return {number, oracle, info.name, mapped_coefficient(info, raw)};
  }

  const Model& model_;
  std::array<Index, Types::stacks> first_{};
  Index layers_ = 0;
};

OPTIFORM_NAMESPACE_END
