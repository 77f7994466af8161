// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/training/evaluation/spectrum.hpp>

#include "layer_checks.hpp"

using namespace optiform;
using evaluated::check_products;
using evaluated::Layers;
using optiform::testing::relative_error;

namespace {

TEST_CASE("LayerMap: products and transposed products are of one matrix") {
  check_products<TripleMomentum, DualCpu>();
  check_products<GradientDescent, Reference>();
}

TEST_CASE("LayerMap: products are differences of values") {
  using Exact = Dual<double>;
  using Model = evaluated::Model<TripleMomentum>::on<Reference, Exact>;
  const Model model(evaluated::model_options(3));
  auto trainer = evaluated::trainer<TripleMomentum>(3);
  const auto state = trainer->state()[0];
  std::vector<Exact> values;
  for (Index i = 0; i < state.size; ++i) values.push_back(static_cast<double*>(state.data)[i]);
  const auto text = evaluated::text();
  const auto data = evaluated::batches(text, 1);
  ReferenceContext context;
  Model::LayerMap map(model, values.data(), evaluated::batch, evaluated::length, context);
  map.run(data.tokens.data());
  Rng rng(4);
  const auto v = optiform::testing::normal(rng, map.size());
  std::vector<double> product(v.size()), high(v.size()), low(v.size());
  for (const auto part : {LayerPart::block, LayerPart::oracle}) {
    map.select(1, part);
    map.product(v.data(), product.data());
    const double h = 1e-5;
    map.move(h, v.data());
    map.value(high.data());
    map.move(-2 * h, v.data());
    map.value(low.data());
    for (std::size_t i = 0; i < v.size(); ++i) high[i] = (high[i] - low[i]) / (2 * h);
    CHECK(relative_error(high, product) < 1e-7);
  }
}

TEST_CASE("LayerMap: a plain layer is its oracle and the identity") {
  Layers<GradientDescent, Reference> layers;
  layers.model.select(1, LayerPart::block);
  auto block = layers.explicit_jacobian(false);
  layers.model.select(1, LayerPart::oracle);
  const auto oracle = layers.explicit_jacobian(false);
  const auto n = static_cast<std::size_t>(layers.model.size());
  for (std::size_t i = 0; i < n; ++i) block[i * n + i] -= 1;
  CHECK(relative_error(block, oracle) < 1e-12);
}

TEST_CASE("Spectrum: singular values are those of the explicit Jacobian") {
  Layers<TripleMomentum, DualCpu> layers;
  layers.model.select(1, LayerPart::block);
  const Index n = layers.model.size();
  const auto jacobian = layers.explicit_jacobian(false);
  const auto at = [&](Index i, Index j) { return jacobian[static_cast<std::size_t>(j * n + i)]; };
  std::vector<double> gram(jacobian.size());
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j)
      for (Index k = 0; k < n; ++k)
        gram[static_cast<std::size_t>(i * n + j)] += at(k, i) * at(k, j);
  const auto squares = symmetric_eigenvalues(gram, n);
  const double squared_norm = dot(jacobian, jacobian);

  const Spectrum all = measure_spectrum(
      layers.model, {.power_iterations = 200, .rank = n, .oversampling = 0, .probes = 400});
  REQUIRE(all.singular_values.size() == static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < squares.size(); ++i)
    CHECK(all.singular_values[i] == doctest::Approx(std::sqrt(squares[i])).epsilon(1e-6));
  CHECK(all.largest == doctest::Approx(std::sqrt(squares[0])).epsilon(1e-4));
  CHECK(all.squared_norm == doctest::Approx(squared_norm).epsilon(0.1));
  CHECK(all.stable_rank() == doctest::Approx(squared_norm / squares[0]).epsilon(0.1));
  CHECK(all.condition() ==
        doctest::Approx(std::sqrt(squares.front() / squares.back())).epsilon(1e-4));

  const Spectrum few =
      measure_spectrum(layers.model, {.rank = 8, .oversampling = 10, .subspace_iterations = 4});
  REQUIRE(few.singular_values.size() == 8);
  for (std::size_t i = 0; i < 8; ++i)
    CHECK(few.singular_values[i] == doctest::Approx(std::sqrt(squares[i])).epsilon(0.02));
}

TEST_CASE("LayerMap: a layer that does not exist is one sentence") {
  Layers<GradientDescent, Reference> layers;
  CHECK_THROWS_WITH_AS(layers.model.select(3, LayerPart::block),
                       "layer 3 was selected; expected 0 to 2", Error);
}

}  // namespace
