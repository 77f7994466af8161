// SPDX-License-Identifier: MIT
#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/orthonormal_basis.hpp>
#include <optiform/rules/adam_w.hpp>
#include <optiform/weights/hybrid_optimizer.hpp>
#include <optiform/weights/shampoo.hpp>
#include <optiform/weights/soap.hpp>

#include "optimizers.hpp"

using namespace optiform;

namespace {

template <class Matrices>
WeightTrainer beside_adam_w(const Options& options) {
  using Optimizer = HybridOptimizer<Matrices, WeightOptimizer<AdamW>>;
  typename Optimizer::template on<Cpu, float>::Options numbers;
  const double rate =
      options.matrix_rate > 0 ? options.matrix_rate : Matrices::template on<Cpu, float>::usual_rate;
  numbers.matrices.learning_rate_factor = rate / options.learning_rate;
  numbers.matrices.weight_decay = 0;
  numbers.others.embedding.weight_decay = numbers.others.head.weight_decay = options.weight_decay;
  return WeightTrainer::of<Optimizer>(numbers);
}

}  // namespace

WeightTrainer choose_matrix_optimizer(const Options& options) {
  if (!(options.matrix_rate >= 0))
    fail("matrix rate is ", options.matrix_rate, "; expected 0 or more");
  if (options.optimizer == "soap") return beside_adam_w<SoapOptimizer>(options);
  if (options.optimizer == "shampoo") return beside_adam_w<ShampooOptimizer>(options);
  return beside_adam_w<MuonOptimizer<>>(options);
}
