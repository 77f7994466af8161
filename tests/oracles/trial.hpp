// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <doctest/doctest.h>

#include <optiform/core/dual.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/oracles/concept.hpp>

#include "../support/gradient_check.hpp"
#include "../support/random_data.hpp"

namespace optiform::testing {

/// One oracle with its parameters, its buffers and a fixed direction of differentiation.
template <class Oracle, class Backend, class T, ModelShape Shape>
struct Trial {
  using On = typename Oracle::template on<Backend, T, Shape>;

  Index batch, length;
  ParameterTable table;
  MemoryPlan plan;
  typename On::Parameters at;
  typename On::Cache cache;
  typename On::Scratch scratch;
  Buffer<std::byte> arena;
  typename On::Context context;
  std::vector<T> parameters, gradients, y, g, g_gradient, y_gradient;

  Trial(Index batch_, Index length_, int threads = 1)
      : batch(batch_),
        length(length_),
        at(On::declare(table, "o.", 1)),
        cache(On::reserve_cache(plan, "cache.", batch, length)),
        scratch(reserved_scratch()),
        arena(plan.bytes()),
        context(threads) {
    if constexpr (optiform::detail::oracle_has_constants<On>)
      On::write_constants(arena.data(), scratch, length);
    Rng rng(17);
    parameters = normal<T>(rng, table.total(), 0.4);
    y = normal<T>(rng, batch * length * Shape.width);
    g_gradient = normal<T>(rng, batch * length * Shape.width);
    gradients.assign(parameters.size(), T(0));
    y_gradient.assign(y.size(), T(0));
    g.assign(y.size(), T(0));
  }
  typename On::Scratch reserved_scratch() {
    auto reserved = On::reserve_scratch(plan, batch, length, true);
    if constexpr (optiform::detail::oracle_has_constants<On>)
      On::reserve_constants(plan, reserved, length);
    return reserved;
  }
  void forward() {
    On::forward(context, parameters.data(), at, arena.data(), cache, scratch, batch, length,
                y.data(), g.data());
  }
  void backward() {
    On::backward(context, parameters.data(), gradients.data(), at, arena.data(), cache, scratch,
                 batch, length, y.data(), g_gradient.data(), y_gradient.data());
  }
};

/// Every gradient of an oracle against central differences.
template <class Oracle, class Backend, ModelShape Shape>
void check_derivatives(Index batch, Index length) {
  Trial<Oracle, Backend, double, Shape> trial(batch, length);
  trial.forward();
  trial.backward();
  std::vector<GradientBlock> blocks;
  for (const auto& entry : trial.table.entries())
    blocks.push_back({entry.name, trial.parameters.data() + entry.offset,
                      trial.gradients.data() + entry.offset, entry.size});
  blocks.push_back(
      {"y", trial.y.data(), trial.y_gradient.data(), static_cast<Index>(trial.y.size())});
  const auto loss = [&] {
    trial.forward();
    return inner(trial.g, trial.g_gradient);
  };
  const auto result = check_gradients(loss, blocks, {.coordinates = 24});
  INFO("batch ", batch, " length ", length, " width ", Shape.width, " worst ", result.worst);
  CHECK(result.error <= 1e-6);
}

/// The derivative of backward along a direction, exactly and by differences of backward.
template <class Oracle>
void check_hessian_vector_product(double tolerance = 1e-8) {
  constexpr ModelShape shape{.width = 6, .heads = 2, .hidden = 10};
  using Number = Dual<double>;
  Trial<Oracle, Reference, double, shape> plain(2, 5);
  Trial<Oracle, Reference, Number, shape> dual(2, 5);
  Rng rng(23);
  const auto direction = normal(rng, plain.table.total());
  const auto y_direction = normal(rng, static_cast<Index>(plain.y.size()));
  for (std::size_t i = 0; i < direction.size(); ++i)
    dual.parameters[i] = {plain.parameters[i], direction[i]};
  for (std::size_t i = 0; i < y_direction.size(); ++i) {
    dual.y[i] = {plain.y[i], y_direction[i]};
    dual.g_gradient[i] = plain.g_gradient[i];
  }
  dual.forward();
  dual.backward();

  const auto backward_at = [&](double step) {
    Trial<Oracle, Reference, double, shape> moved(2, 5);  // the same draws as plain
    for (std::size_t i = 0; i < direction.size(); ++i) moved.parameters[i] += step * direction[i];
    for (std::size_t i = 0; i < y_direction.size(); ++i) moved.y[i] += step * y_direction[i];
    moved.forward();
    moved.backward();
    std::vector<double> all = moved.gradients;
    all.insert(all.end(), moved.y_gradient.begin(), moved.y_gradient.end());
    return all;
  };
  const double h = 1e-3;
  const auto p1 = backward_at(h), m1 = backward_at(-h), p2 = backward_at(2 * h),
             m2 = backward_at(-2 * h);
  std::vector<double> numeric, exact;
  for (std::size_t i = 0; i < p1.size(); ++i)
    numeric.push_back((8 * (p1[i] - m1[i]) - (p2[i] - m2[i])) / (12 * h));
  for (const Number& value : dual.gradients) exact.push_back(value.derivative);
  for (const Number& value : dual.y_gradient) exact.push_back(value.derivative);
  CHECK(relative_error(exact, numeric) <= tolerance);
  CHECK(inner(numeric, numeric) > 1);
}

/// The fast backend against the specification, which is given the same numbers.
template <class Oracle, class T, ModelShape Shape>
void check_parity(Index batch, Index length) {
  const double tolerance = sizeof(T) == 8 ? 1e-12 : 1e-5;
  Trial<Oracle, Cpu, T, Shape> fast(batch, length);
  Trial<Oracle, Reference, double, Shape> exact(batch, length);
  exact.parameters = cast<double>(fast.parameters);
  exact.y = cast<double>(fast.y);
  exact.g_gradient = cast<double>(fast.g_gradient);
  fast.forward();
  fast.backward();
  exact.forward();
  exact.backward();
  CHECK(relative_error(fast.g, exact.g) <= tolerance);
  CHECK(relative_error(fast.gradients, exact.gradients) <= tolerance);
  CHECK(relative_error(fast.y_gradient, exact.y_gradient) <= tolerance);
}

/// Results do not depend on the number of threads.
template <class Oracle, ModelShape Shape>
void check_threads() {
  Trial<Oracle, Cpu, float, Shape> one(4, 70);
  one.forward();
  one.backward();
  for (const int threads : {2, 3}) {
    Trial<Oracle, Cpu, float, Shape> many(4, 70, threads);
    many.forward();
    many.backward();
    CHECK(many.g == one.g);
    CHECK(many.gradients == one.gradients);
    CHECK(many.y_gradient == one.y_gradient);
  }
}

}  // namespace optiform::testing
