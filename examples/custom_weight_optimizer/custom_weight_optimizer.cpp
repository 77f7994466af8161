// SPDX-License-Identifier: MIT
// Weight optimizers of one's own, alone and inside the library's wrappers: docs/
// write_your_own_weight_optimizer.md. Fits a matrix and an offset to a linear map.
//
//   custom_weight_optimizer
//
// Last line: every optimizer brought the error below 1e-3 of what it was
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>

#include <optiform/cpu.hpp>
#include <optiform/cpu/orthonormal_basis.hpp>

#include "cautious_adam_w.hpp"

using namespace optiform;

namespace {

constexpr Index in = 16, out = 8, examples = 64;

/// 1/2 of the mean squared error of w x + b; adds its gradients.
struct Regression {
  Buffer<float> inputs{examples * in}, targets{examples * out};

  Regression() {
    Rng rng(1);
    for (float& x : inputs) x = static_cast<float>(rng.normal());
    for (Index e = 0; e < examples; ++e)
      for (Index o = 0; o < out; ++o)
        for (Index i = 0; i < in; ++i)
          targets[e * out + o] += std::cos(static_cast<float>(3 * o + i)) * inputs[e * in + i];
  }
  double operator()(const float* w, const float* b, float* dw, float* db) const {
    double loss = 0;
    for (Index e = 0; e < examples; ++e)
      for (Index o = 0; o < out; ++o) {
        float error = b[o] - targets[e * out + o];
        for (Index i = 0; i < in; ++i) error += w[o * in + i] * inputs[e * in + i];
        loss += 0.5 * static_cast<double>(error * error) / examples;
        db[o] += error / examples;
        for (Index i = 0; i < in; ++i) dw[o * in + i] += error * inputs[e * in + i] / examples;
      }
    return loss;
  }
};

// [train]
/// The part of the first error that is left after so many steps.
template <class Optimizer>
double train(const char* name, double learning_rate) {
  ParameterTable table;
  const Index w = table.add("weight", Role::matrix, {out, in}, {});
  const Index b = table.add("offset", Role::scalar, {out}, {});
  typename Optimizer::template on<Cpu, float> optimizer(table);
  context_t<Cpu> context;
  Buffer<float> values(table.total()), gradients(table.total());
  const Regression regression;
  const auto evaluate = [&] {
    return regression(values.data() + w, values.data() + b, gradients.data() + w,
                      gradients.data() + b);
  };
  const Schedule schedule{.decay = Decay::linear, .peak = learning_rate, .steps = 600};
  const double first = evaluate();
  for (Index t = 0; t < schedule.steps; ++t) {
    if constexpr (requires { optimizer.perturbs(); })
      if (optimizer.perturbs()) {
        optimizer.perturb(context, values.data(), gradients.data());
        evaluate();
        optimizer.restore(context, values.data());
      }
    optimizer.step_and_clear(context, values.data(), gradients.data(), 1, schedule(t));
    evaluate();
  }
  optimizer.read_out(context, values.data(), values.data());
  const double left = evaluate() / first;
  std::printf("%-44s %.1e of the error is left\n", name, left);
  return left;
}
// [train]

}  // namespace

int main() {
  // [use]
  using Cautious = WeightOptimizer<CautiousAdamW>;
  const double left[] = {
      train<Cautious>("cautious AdamW", 0.03),
      train<WeightOptimizer<WarmMomentum>>("momentum that warms up", 0.02),
      train<HybridOptimizer<SoapOptimizer, Cautious>>("SOAP beside cautious AdamW", 6e-3),
      train<SharpnessAware<Cautious>>("cautious AdamW, sharpness-aware", 0.03)};
  // [use]
  const bool all = *std::max_element(std::begin(left), std::end(left)) < 1e-3;
  std::printf("every optimizer brought the error %s 1e-3 of what it was\n",
              all ? "below" : "NOT below");
  return all ? 0 : 1;
}
