// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <optiform/training/evaluation/difference_hessian.hpp>

#include "evaluation_model.hpp"

namespace evaluated {

/// Exact and difference products with one Hessian.
template <class Rule, class Exact = Reference, class Backend = Reference, class T = double>
struct Curved {
  std::vector<std::int32_t> text = evaluated::text();
  TokenBatches batches = evaluated::batches(text);
  std::unique_ptr<TrainerOn<Rule, Backend, T>> trainer = evaluated::trainer<Rule, Backend, T>();
  typename ExactModel<Model<Rule>>::template on<Exact> model{model_options(1)};

  Curved() { model.assign(*trainer); }
  void exact(const ParameterVector& v, ParameterVector& out) {
    model.hessian_product(batches, v, out);
  }
  ParameterVector direction(std::uint64_t seed) const {
    ParameterVector v;
    draw_normal(trainer->parameters(), Rng(seed), v);
    return v;
  }
  double difference_error(double step = 0) {
    DifferenceHessian differences(*trainer, batches, step);
    double worst = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      const auto v = direction(seed);
      ParameterVector exactly, differently;
      exact(v, exactly);
      differences(v, differently);
      worst = std::fmax(worst, optiform::testing::relative_error(differently, exactly));
    }
    return worst;
  }
};

}  // namespace evaluated
