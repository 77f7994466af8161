// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/depth/language_model.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>
#include <optiform/rules/adam_w.hpp>
#include <optiform/weights/weight_optimizer.hpp>

#include "../support/fixture.hpp"

/// What every parity test does: load a fixture's weights into a model and hold logits, loss, every
/// gradient and a training run against what PyTorch computed in double precision.
namespace optiform::testing {

/// Odd sizes: see generate.py.
inline constexpr ModelShape parity_shape{.width = 21, .heads = 3, .hidden = 13};

/// Relative bounds of one scalar type.
struct ParityBounds {
  double values;  ///< logits, loss, gradients
  double curve;   ///< loss during training
};
template <class T>
inline constexpr ParityBounds parity_bounds = sizeof(T) == 8 ? ParityBounds{1e-10, 1e-8}
                                                             : ParityBounds{1e-5, 1e-3};

template <class T>
double distance(const T* a, const double* b, Index n) {
  double sum = 0;
  for (Index i = 0; i < n; ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return std::isfinite(sum) ? std::sqrt(sum) : HUGE_VAL;
}
inline double norm(const double* a, Index n) {
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += a[i] * a[i];
  return std::sqrt(sum);
}

template <class Model, class Backend, class T>
class Parity {
  using On = typename Model::template on<Backend, T>;
  using Optimizer = typename WeightOptimizer<AdamW>::template on<Backend, T>;

 public:
  explicit Parity(const std::string& name, CoefficientValues coefficients = {})
      : fixture_(name),
        model_({.vocabulary = fixture_.integer("vocabulary"),
                .context = fixture_.integer("context"),
                .layers = {fixture_.integer("layers")},
                .coefficients = std::move(coefficients)}),
        table_(model_.parameters()),
        context_(1),
        workspace_(model_.workspace(batch(), length(), Pass::training)),
        values_(table_.total()),
        gradients_(table_.total()) {
    fixture_.fill("weights", table_, values_.data());
  }

  void check() {
    logits();
    gradients();
    training();
  }

 private:
  Index batch() const { return fixture_.integer("batch"); }
  Index length() const { return fixture_.integer("length"); }
  static constexpr ParityBounds bounds = parity_bounds<T>;

  void logits() {
    const auto tokens = fixture_.ids("tokens"), targets = fixture_.ids("targets");
    const auto expected = fixture_.read("logits");
    std::vector<T> found(expected.size());
    model_.logits(context_, values_.data(), workspace_, tokens.data(), found.data());
    const auto n = static_cast<Index>(expected.size());
    CHECK(distance(found.data(), expected.data(), n) <= bounds.values * norm(expected.data(), n));
    const double loss =
        model_.loss(context_, values_.data(), workspace_, tokens.data(), targets.data());
    CHECK(std::fabs(loss / fixture_.read("loss")[0] - 1) <= bounds.values);
  }

  void gradients() {
    const auto tokens = fixture_.ids("tokens"), targets = fixture_.ids("targets");
    const double loss = step_gradients(tokens.data(), targets.data());
    CHECK(std::fabs(loss / fixture_.read("loss")[0] - 1) <= bounds.values);
    std::vector<double> expected(static_cast<std::size_t>(table_.total()), 0.0);
    fixture_.fill("gradients", table_, expected.data());
    const double all = norm(expected.data(), table_.total());
    for (const auto& entry : table_.entries()) {
      INFO("gradient of ", entry.name);
      const double* g = expected.data() + entry.offset;
      // Coefficient gradients are sums that nearly cancel: their terms are the scale.
      const double scale = entry.role == Role::scalar ? fixture_.read("terms." + entry.name)[0]
                                                      : std::fmax(norm(g, entry.size), 1e-3 * all);
      CHECK(distance(gradients_.data() + entry.offset, g, entry.size) <= bounds.values * scale);
    }
  }

  /// The loss before each step of AdamW with warm-up, cosine, decay and clipping.
  void training() {
    const auto stream = fixture_.ids("stream");
    const auto losses = fixture_.read("losses"), rates = fixture_.read("learning_rates");
    Optimizer optimizer(table_, adam_w());
    const Index size = batch() * length();
    double worst = 0;
    for (std::size_t step = 0; step < losses.size(); ++step) {
      const bool last = step == rates.size();  // after the run, the first batch once more
      const std::int32_t* tokens = stream.data() + (last ? 0 : static_cast<Index>(step) * 2 * size);
      const double loss = step_gradients(tokens, tokens + size);
      worst = std::fmax(worst, std::fabs(loss / losses[step] - 1));
      if (last) break;
      const double total =
          std::sqrt(kernels<Backend>::sum_of_squares(context_, table_.total(), gradients_.data()));
      const double factor = std::fmin(1.0, fixture_.real("clip") / (total + 1e-6));
      optimizer.step(context_, values_.data(), gradients_.data(), factor, rates[step]);
    }
    CHECK(worst <= bounds.curve);
  }

  /// Decay of matrices and tables only, one learning rate for all.
  WeightOptimizerOptions adam_w() const {
    const ParameterGroup decayed{1, fixture_.real("decay")};
    return {.matrix = decayed,
            .embedding = decayed,
            .coefficients = {{"beta1", fixture_.real("beta1")},
                             {"beta2", fixture_.real("beta2")},
                             {"epsilon", fixture_.real("epsilon")}}};
  }

  double step_gradients(const std::int32_t* tokens, const std::int32_t* targets) {
    for (T& g : gradients_) g = T(0);
    return model_.loss_and_gradients(context_, values_.data(), workspace_, tokens, targets,
                                     gradients_.data());
  }

  Fixture fixture_;
  On model_;
  const ParameterTable& table_;
  context_t<Backend> context_;
  typename On::Workspace workspace_;
  Buffer<T> values_, gradients_;
};

/// The usual Transformer layer of a rule.
template <class Rule, DepthOptions Options = DepthOptions{}>
using Usual =
    LanguageModel<parity_shape, TransformerLayer<Rule, CausalAttention, Mlp<Gelu>, Options>>;
/// One step per layer on the sum of both oracles.
template <class Rule>
using Summed = LanguageModel<parity_shape, Layer<Euler, ResidualBlock<Rule, CausalAttention>,
                                                 ResidualBlock<Rule, Mlp<Gelu>>>>;

/// One fixture's model on one backend and scalar.
template <class Model, class Backend, class T>
void check_parity(const std::string& fixture, const CoefficientValues& coefficients = {}) {
  INFO("fixture ", fixture, ", ", sizeof(T), " bytes");
  Parity<Model, Backend, T>(fixture, coefficients).check();
}

}  // namespace optiform::testing
