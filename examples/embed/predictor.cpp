// SPDX-License-Identifier: MIT
#include "predictor.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <optiform/cpu.hpp>

// [network]
using namespace optiform;

constexpr Index length = 32, batch = 4, vocabulary = 128;
using Layers = TransformerLayer<TripleMomentum, CausalAttention, Mlp<Gelu>>;
using Model = LanguageModel<ModelShape{.width = 32, .heads = 2, .hidden = 128}, Stack<Layers>>;

/// Everything that lives as long as the model.
struct Predictor::Network {
  Model::on<Cpu, float> model{{.vocabulary = vocabulary, .context = length, .layers = {2}}};
  Model::on<Cpu, float>::Workspace training = model.workspace(batch, length, Pass::training);
  Model::on<Cpu, float>::Workspace inference = model.workspace(1, length, Pass::evaluation);
  WeightOptimizer<AdamW>::on<Cpu, float> optimizer{model.parameters()};
  Buffer<float> values{model.parameters().total()}, gradients{model.parameters().total()};
  context_t<Cpu> context{1};
  Rng rng{7};
};
// [network]

Predictor::Predictor() : network_(std::make_unique<Network>()) {
  network_->model.initialise(network_->values.data(), 7);
}
Predictor::~Predictor() = default;

// [learn]
double Predictor::learn(const std::string& text, int steps) {
  Network& n = *network_;
  if (text.size() <= length) fail("text has ", text.size(), " characters, expected more than 32");
  std::int32_t tokens[batch * length], targets[batch * length];
  double loss = 0;
  for (int step = 0; step < steps; ++step) {
    for (Index b = 0; b < batch; ++b) {
      const char* const from = text.data() + n.rng.below(text.size() - length);
      std::copy(from, from + length, tokens + b * length);
      std::copy(from + 1, from + 1 + length, targets + b * length);
    }
    kernels<Cpu>::fill(n.context, n.gradients.size(), 0.0f, n.gradients.data());
    loss = n.model.loss_and_gradients(n.context, n.values.data(), n.training, tokens, targets,
                                      n.gradients.data());
    n.optimizer.step(n.context, n.values.data(), n.gradients.data(), 1, 3e-3);
  }
  return loss;
}
// [learn]

// [infer]
std::string Predictor::continued(const std::string& start, int count) const {
  Network& n = *network_;
  std::string text = start;
  std::vector<float> logits(vocabulary);
  for (int i = 0; i < count; ++i) {
    const Index seen = std::min<Index>(length, static_cast<Index>(text.size()));
    const std::vector<std::int32_t> window(text.end() - seen, text.end());
    n.inference.resize(1, seen);
    n.model.next_token_logits(n.context, n.values.data(), n.inference, window.data(),
                              logits.data());
    const auto likeliest = std::max_element(logits.begin(), logits.end()) - logits.begin();
    text += static_cast<char>(likeliest);
  }
  return text.substr(start.size());
}
// [infer]
