// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/core/dual.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/optiform.hpp>

#include "../support/tiny_model.hpp"

namespace optiform::testing {

TEST_CASE_TEMPLATE("dual numbers through matrix rules give exact Hessian-vector products", R, Muon,
                   Soap) {
  constexpr ModelShape shape{.width = 12, .heads = 3, .hidden = 7};
  using Model = LanguageModel<shape, TransformerLayer<R, CausalAttention, Mlp<Gelu>>>;
  using Number = Dual<double>;
  TinyModel<Model, Reference, double> plain(1);
  TinyModel<Model, Reference, Number> dual(1);
  Rng rng(3);
  const auto direction = normal(rng, plain.values.size());
  const auto gradients_at = [&](double h) {
    TinyModel<Model, Reference, double> moved(1);
    for (Index i = 0; i < moved.values.size(); ++i)
      moved.values[i] += h * direction[static_cast<std::size_t>(i)];
    moved.loss_and_gradients();
    return std::vector<double>(moved.gradients.begin(), moved.gradients.end());
  };
  for (Index i = 0; i < dual.values.size(); ++i)
    dual.values[i] = Number{plain.values[i], direction[static_cast<std::size_t>(i)]};
  dual.loss_and_gradients();
  constexpr double h = 1e-6;
  const auto up = gradients_at(h), down = gradients_at(-h);
  std::vector<double> exact, difference;
  for (std::size_t i = 0; i < up.size(); ++i) {
    exact.push_back(dual.gradients[static_cast<Index>(i)].derivative);
    difference.push_back((up[i] - down[i]) / (2 * h));
  }
  CHECK(relative_error(exact, difference) < 1e-6);
}

}  // namespace optiform::testing
