// SPDX-License-Identifier: MIT
#include "optimizers.hpp"

#include <optiform/cpu/kernels.hpp>
#include <optiform/io/file.hpp>
#include <optiform/rules/rules.hpp>
#include <optiform/weights/weight_optimizer.hpp>

using namespace optiform;

namespace {

/// A rule for all tensors. What it has no decay for does not decay.
template <class R>
WeightTrainer train_by(const Options& options) {
  auto numbers = WeightOptimizer<R>::template on<Cpu, float>::defaults();
  for (ParameterGroup* group : {&numbers.matrix, &numbers.embedding, &numbers.head})
    if (group->weight_decay != 0) group->weight_decay = options.weight_decay;
  return WeightTrainer::of<WeightOptimizer<R>>(numbers);
}

struct Entry {
  std::string_view name;
  WeightTrainer (*choose)(const Options&);
};

constexpr Entry entries[] = {
    {"adamw", train_by<AdamW>},         {"muon", choose_matrix_optimizer},
    {"soap", choose_matrix_optimizer},  {"shampoo", choose_matrix_optimizer},
    {"sgd", train_by<GradientDescent>}, {"heavy-ball", train_by<HeavyBall>},
    {"nesterov", train_by<Nesterov>},   {"tmm", train_by<TripleMomentum>},
    {"adam", train_by<Adam>},           {"nadam", train_by<NAdam>},
    {"rmsprop", train_by<RmsProp>},     {"lion", train_by<Lion>}};

}  // namespace

WeightTrainer choose_optimizer(const Options& options) {
  if (!(options.weight_decay >= 0))
    fail("weight decay is ", options.weight_decay, "; expected 0 or more");
  for (const Entry& entry : entries)
    if (entry.name == options.optimizer) return entry.choose(options);
  fail("optimizer ", in_quotes(options.optimizer),
       " is unknown; expected adamw, muon, soap, shampoo, sgd, heavy-ball, nesterov, tmm, adam, "
       "nadam, rmsprop or lion");
}

WeightTrainer one_adamw(double weight_decay) {
  WeightOptimizerOptions numbers;
  for (ParameterGroup* group :
       {&numbers.matrix, &numbers.embedding, &numbers.head, &numbers.norm, &numbers.scalar}) {
    group->weight_decay = weight_decay;
    group->learning_rate_factor = 1;
  }
  return WeightTrainer::of<WeightOptimizer<AdamW>>(numbers);
}
