// SPDX-License-Identifier: MIT
// A rule that the library does not have, written here: Lion with a look-ahead and a smooth sign.
// It is printed as it was recorded; then its steps are the layers of a Transformer, beside a plain
// one; and without its look-ahead it is the optimizer of the weights.
//
// Run: custom_rule
// Last line: all three learned the text: yes
#include <cstdio>
#include <string_view>

#include <optiform/cpu.hpp>
#include <optiform/rules/print.hpp>

#include "look_ahead_soft_lion.hpp"

using namespace optiform;

constexpr std::string_view rhyme =
    "Peter Piper picked a peck of pickled peppers. "
    "A peck of pickled peppers Peter Piper picked. "
    "If Peter Piper picked a peck of pickled peppers, "
    "where's the peck of pickled peppers Peter Piper picked? ";

constexpr Index length = 64, batch = 4, vocabulary = 128, steps = 600;
constexpr ModelShape shape{.width = 32, .heads = 2, .hidden = 128};

// [depth]
template <class R>
using Network = LanguageModel<shape, Stack<TransformerLayer<R, CausalAttention, Mlp<Gelu>>>>;
// [depth]

/// Trains a network on the text; returns the last loss, in nats per character.
template <class Model, class Optimizer>
double train(const char* what, double learning_rate) {
  const Schedule schedule{
      .decay = Decay::linear, .peak = learning_rate, .warmup = 20, .steps = steps};
  typename Model::template on<Cpu, float> model(
      {.vocabulary = vocabulary, .context = length, .layers = {2}});
  typename Optimizer::template on<Cpu, float> optimizer(model.parameters());
  auto workspace = model.workspace(batch, length, Pass::training);
  context_t<Cpu> context(1);
  Buffer<float> values(model.parameters().total()), gradients(model.parameters().total());
  model.initialise(values.data(), 1);

  std::int32_t tokens[batch * length], targets[batch * length];
  Rng rng(2);
  double first = 0, loss = 0;
  for (Index step = 0; step < steps; ++step) {
    for (Index b = 0; b < batch; ++b) {
      const auto start = rng.below(rhyme.size() - length);
      for (Index t = 0; t < length; ++t) {
        tokens[b * length + t] = rhyme[start + static_cast<std::size_t>(t)];
        targets[b * length + t] = rhyme[start + static_cast<std::size_t>(t) + 1];
      }
    }
    loss = model.loss_and_gradients(context, values.data(), workspace, tokens, targets,
                                    gradients.data());
    optimizer.step(context, values.data(), gradients.data(), 1, schedule(step));
    for (float& g : gradients) g = 0;
    if (step == 0) first = loss;
  }
  std::printf("%-46s loss %.2f -> %.2f\n", what, first, loss);
  return loss;
}

int main() {
  // [print]
  std::printf("%s\n", print_rule(recording<LookAheadSoftLion>).c_str());
  // [print]
  // [use]
  const double plain =
      train<Network<Vanilla>, WeightOptimizer<AdamW>>("plain layers, weights by AdamW", 5e-3);
  const double lion = train<Network<LookAheadSoftLion>, WeightOptimizer<AdamW>>(
      "look-ahead soft Lion layers, weights by AdamW", 5e-3);
  const double weights = train<Network<Vanilla>, WeightOptimizer<SoftLion>>(
      "plain layers, weights by soft Lion", 2e-3);
  // [use]
  std::printf("all three learned the text: %s\n",
              plain < 1.5 && lion < 1.5 && weights < 1.5 ? "yes" : "no");
}
