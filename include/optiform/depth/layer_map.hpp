// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>

#include <optiform/core/dual.hpp>
#include <optiform/depth/language_model.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What of a layer is looked at.
///
///   block   the iterate before it -> the iterate after it; streams before it are held fixed
///   oracle  x -> A(LN(x)) + M(LN(x + A(LN(x)))), its oracles alone, at the point where its rule
///           asks them first
enum class LayerPart { block, oracle };

/// One layer of a language model as a function of its input, with exact products of its Jacobian:
/// forward by dual numbers, backward by the derived backward pass.
///
///   Model::on<Reference, Dual<double>> model(options);
///   decltype(model)::LayerMap map(model, values, 2, 128, context);
///   map.run(tokens);                         // all layers' inputs
///   map.select(3, LayerPart::block);
///   map.product(v, jv);
///   map.transposed_product(w, jtw);
///
/// Shapes    vectors: [tokens, width] of the whole batch.
/// Contract  the backend's scalar is a Dual number; values must not change between `run` and the
///           products. Memory: a training workspace and a copy of the parameters.
/// Limits    sequences do not see each other, so the Jacobian is block-diagonal over them.
/// Source    protocol of arXiv 2605.24425.
template <class Model>
class LayerMap {
  using Types = typename Model::Types;
  using T = typename Model::Scalar;
  using Real = decltype(T().value);

 public:
  using Context = typename Model::Context;

  /// Errors  sizes that the model cannot have; a model that recomputes (its states are needed).
  LayerMap(const Model& model, const T* values, Index batch, Index length, Context& context)
      : model_(model),
        values_(values),
        context_(context),
        workspace_(model.workspace(batch, length, Pass::training)),
        gradients_(model.parameters().total()),
        input_(batch * length * Types::width) {
    if (model.options().recompute != Recompute::nothing)
      fail("a LayerMap needs every state; expected a model with recompute = nothing");
  }

  /// Numbers of a vector.
  Index size() const { return input_.size(); }

  /// Computes the states of all layers for a batch.
  void run(const std::int32_t* tokens) {
    selected_ = -1;
    model_.check("token", tokens, workspace_.tokens());
    pass().forward(tokens);
  }

  /// Chooses the function that the products are of; `run` comes before.
  /// Errors  a layer that the model does not have.
  void select(Index layer, LayerPart part) {
    with_layer(layer, [&]<std::size_t I>(Index l, Index k) {
      restore();
      part_ = part;
      T* x = state(k);
      for (Index i = 0; i < size(); ++i) input_[i] = x[i];
      selected_ = layer;
      auto run = pass();
      if (part == LayerPart::oracle) run.template move_to_query<I>(l, k);
      forward<I>(run, l, k);
      fresh_ = true;
    });
  }

  /// out = f(x), the value of the chosen function.
  void value(Real* out) {
    with_layer(selected_, [&]<std::size_t I>(Index, Index k) {
      const T* x = state(k);
      const T* y = workspace_.at(workspace_.layout().seen);
      for (Index i = 0; i < size(); ++i) out[i] = y[i].value - identity() * x[i].value;
    });
  }

  /// Moves the input by so much.
  void move(Real factor, const Real* v) {
    with_layer(selected_, [&]<std::size_t I>(Index l, Index k) {
      T* x = state(k);
      for (Index i = 0; i < size(); ++i) x[i].value += factor * v[i];
      auto run = pass();
      forward<I>(run, l, k);
      fresh_ = true;
    });
  }

  /// out = J v.
  void product(const Real* v, Real* out) {
    with_layer(selected_, [&]<std::size_t I>(Index l, Index k) {
      T* x = state(k);
      for (Index i = 0; i < size(); ++i) x[i].derivative = v[i];
      auto run = pass();
      forward<I>(run, l, k);
      for (Index i = 0; i < size(); ++i) x[i].derivative = Real(0);
      fresh_ = false;
    });
    const T* y = workspace_.at(workspace_.layout().seen);
    for (Index i = 0; i < size(); ++i) out[i] = y[i].derivative - identity() * v[i];
  }

  /// out = J^T w.
  void transposed_product(const Real* w, Real* out) {
    with_layer(selected_, [&]<std::size_t I>(Index l, Index k) {
      const auto& at = workspace_.layout();
      T* adjoint = workspace_.at(at.seen_gradient);
      for (Index i = 0; i < size(); ++i) adjoint[i] = T(w[i]);
      auto run = pass();
      // Without derivatives in the caches fast backends have a third of the work.
      if (!fresh_) forward<I>(run, l, k);
      fresh_ = false;
      if (part_ == LayerPart::block)
        run.template backward_layer<I>(l, k, detail::AsTrained{}, gradients_.data());
      else
        run.template backward_layer<I>(l, k, detail::AllPlain<Types>{}, gradients_.data());
      const T* result = workspace_.at(at.x_gradient);
      for (Index i = 0; i < size(); ++i) out[i] = result[i].value - identity() * w[i];
    });
  }

 private:
  typename Model::Run pass() {
    return {context_, model_.options_, model_.parameters_, values_, workspace_};
  }
  T* state(Index k) {
    return workspace_.at(workspace_.layout().step[static_cast<std::size_t>(k)].x);
  }

  /// A plain layer is x + oracle(x), of which the oracle's part is wanted.
  Real identity() const { return part_ == LayerPart::oracle ? Real(1) : Real(0); }

  template <std::size_t I>
  void forward(typename Model::Run& run, Index l, Index k) {
    if (part_ == LayerPart::block)
      run.template forward_layer<I>(l, k, detail::AsTrained{});
    else
      run.template forward_layer<I>(l, k, detail::AllPlain<Types>{});
  }

  /// Puts back the input that `select` has moved.
  void restore() {
    if (selected_ < 0) return;
    with_layer(selected_, [&]<std::size_t I>(Index, Index k) {
      T* x = state(k);
      for (Index i = 0; i < size(); ++i) x[i] = input_[i];
    });
  }

  /// Calls f<stack>(number within the stack, number of its first step).
  template <class F>
  void with_layer(Index layer, F&& f) {
    Index first = 0, k = 0;
    bool found = false;
    Types::each_stack([&]<std::size_t I>() {
      const Index n = model_.options().layers[I];
      constexpr int steps = Types::template Layer<I>::steps;
      if (layer >= first && layer < first + n) {
        found = true;
        f.template operator()<I>(layer - first, k + (layer - first) * steps);
      }
      first += n;
      k += n * steps;
    });
    if (!found && layer == -1) fail("no layer is selected; expected select before this");
    if (!found) fail("layer ", layer, " was selected; expected 0 to ", first - 1);
  }

  const Model& model_;
  const T* values_;
  Context& context_;
  typename Model::Workspace workspace_;
  Buffer<T> gradients_;
  Buffer<T> input_;  ///< of the selected layer
  Index selected_ = -1;
  LayerPart part_ = LayerPart::block;
  bool fresh_ = false;  ///< caches are those of the input, and no backward pass has used them up
};

OPTIFORM_NAMESPACE_END
