// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/core/dual.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>

#include "../support/gradient_check.hpp"
#include "../support/random_data.hpp"

using namespace optiform;

namespace {

static_assert(GradientOracle<CausalAttention>);
static_assert(GradientOracle<Mlp<Gelu>>);
static_assert(!GradientOracle<Gelu>);

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
        scratch(On::reserve_scratch(plan, batch, length, true)),
        arena(plan.bytes()),
        context(threads) {
    Rng rng(17);
    parameters = testing::normal<T>(rng, table.total(), 0.4);
    y = testing::normal<T>(rng, batch * length * Shape.width);
    g_gradient = testing::normal<T>(rng, batch * length * Shape.width);
    gradients.assign(parameters.size(), T(0));
    y_gradient.assign(y.size(), T(0));
    g.assign(y.size(), T(0));
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

template <class Oracle, class Backend, ModelShape Shape>
void check(Index batch, Index length) {
  Trial<Oracle, Backend, double, Shape> trial(batch, length);
  trial.forward();
  trial.backward();
  std::vector<testing::GradientBlock> blocks;
  for (const auto& entry : trial.table.entries())
    blocks.push_back({entry.name, trial.parameters.data() + entry.offset,
                      trial.gradients.data() + entry.offset, entry.size});
  blocks.push_back(
      {"y", trial.y.data(), trial.y_gradient.data(), static_cast<Index>(trial.y.size())});
  const auto loss = [&] {
    trial.forward();
    return testing::inner(trial.g, trial.g_gradient);
  };
  const auto result = testing::check_gradients(loss, blocks, {.coordinates = 24});
  INFO("batch ", batch, " length ", length, " width ", Shape.width, " worst ", result.worst);
  CHECK(result.error <= 1e-6);
}

/// The derivative of backward along a direction, exactly and by differences of backward.
template <class Oracle>
void check_hessian_vector_product() {
  constexpr ModelShape shape{.width = 6, .heads = 2, .hidden = 10};
  using Number = Dual<double>;
  Trial<Oracle, Reference, double, shape> plain(2, 5);
  Trial<Oracle, Reference, Number, shape> dual(2, 5);
  Rng rng(23);
  const auto direction = testing::normal(rng, plain.table.total());
  const auto y_direction = testing::normal(rng, static_cast<Index>(plain.y.size()));
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
  CHECK(testing::relative_error(exact, numeric) <= 1e-8);
  CHECK(testing::inner(numeric, numeric) > 1);
}

}  // namespace

TEST_CASE_TEMPLATE("CausalAttention: backward agrees with central differences", Backend, Reference,
                   Cpu) {
  check<CausalAttention, Backend, ModelShape{.width = 1, .heads = 1, .hidden = 1}>(1, 1);
  check<CausalAttention, Backend, ModelShape{.width = 8, .heads = 2, .hidden = 1}>(2, 1);
  check<CausalAttention, Backend, ModelShape{.width = 6, .heads = 3, .hidden = 1}>(3, 7);
  check<CausalAttention, Backend, ModelShape{.width = 13, .heads = 1, .hidden = 1}>(1, 11);
  check<CausalAttention, Backend, ModelShape{.width = 5, .heads = 5, .hidden = 1}>(2, 17);
}

TEST_CASE_TEMPLATE("Mlp: backward agrees with central differences", Backend, Reference, Cpu) {
  check<Mlp<Gelu>, Backend, ModelShape{.width = 1, .heads = 1, .hidden = 1}>(1, 1);
  check<Mlp<Gelu>, Backend, ModelShape{.width = 7, .heads = 1, .hidden = 3}>(2, 5);
  check<Mlp<Gelu>, Backend, ModelShape{.width = 3, .heads = 1, .hidden = 19}>(1, 13);
}

TEST_CASE_TEMPLATE("Oracles: the CPU agrees with the reference", T, float, double) {
  constexpr ModelShape shape{.width = 24, .heads = 3, .hidden = 40};
  const double tolerance = sizeof(T) == 8 ? 1e-12 : 1e-5;
  const auto run = [&]<class Oracle>(Oracle) {
    Trial<Oracle, Cpu, T, shape> fast(2, 37);
    Trial<Oracle, Reference, double, shape> exact(2, 37);
    exact.parameters = testing::cast<double>(fast.parameters);
    exact.y = testing::cast<double>(fast.y);
    exact.g_gradient = testing::cast<double>(fast.g_gradient);
    fast.forward();
    fast.backward();
    exact.forward();
    exact.backward();
    CHECK(testing::relative_error(fast.g, exact.g) <= tolerance);
    CHECK(testing::relative_error(fast.gradients, exact.gradients) <= tolerance);
    CHECK(testing::relative_error(fast.y_gradient, exact.y_gradient) <= tolerance);
  };
  run(CausalAttention{});
  run(Mlp<Gelu>{});
}

TEST_CASE("Oracles: the number of threads does not change a bit") {
  constexpr ModelShape shape{.width = 48, .heads = 3, .hidden = 96};
  const auto run = [&]<class Oracle>(Oracle) {
    Trial<Oracle, Cpu, float, shape> one(4, 70);
    one.forward();
    one.backward();
    for (const int threads : {2, 3}) {
      Trial<Oracle, Cpu, float, shape> many(4, 70, threads);
      many.forward();
      many.backward();
      CHECK(many.g == one.g);
      CHECK(many.gradients == one.gradients);
      CHECK(many.y_gradient == one.y_gradient);
    }
  };
  run(CausalAttention{});
  run(Mlp<Gelu>{});
}

TEST_CASE("Oracles: parameters have the reference layout's names, shapes and deviations") {
  constexpr ModelShape shape{.width = 8, .heads = 2, .hidden = 32};
  ParameterTable table;
  CausalAttention::on<Reference, double, shape>::declare(table, "layers.3.attn.", 12);
  Mlp<Gelu>::on<Reference, double, shape>::declare(table, "layers.3.mlp.", 12);
  const auto expect = [&](const char* name, std::vector<Index> sizes, double deviation) {
    const ParameterInfo* info = table.find(name);
    REQUIRE(info != nullptr);
    CHECK(info->shape == sizes);
    CHECK(info->role == Role::matrix);
    CHECK(info->initialisation.deviation == doctest::Approx(deviation).epsilon(1e-6));
  };
  expect("layers.3.attn.qkv_proj.weight", {24, 8}, 0.02);
  expect("layers.3.attn.out_proj.weight", {8, 8}, 0.0040824829);
  expect("layers.3.mlp.w1.weight", {32, 8}, 0.02);
  expect("layers.3.mlp.w2.weight", {8, 32}, 0.0040824829);
}

TEST_CASE("CausalAttention: dual numbers through backward give the Hessian-vector product") {
  check_hessian_vector_product<CausalAttention>();
}

TEST_CASE("Mlp: dual numbers through backward give the Hessian-vector product") {
  check_hessian_vector_product<Mlp<Gelu>>();
}

TEST_CASE("Oracles: backward adds to the parameters' gradients and overwrites the input's") {
  constexpr ModelShape shape{.width = 4, .heads = 2, .hidden = 8};
  const auto run = [&]<class Oracle>(Oracle) {
    Trial<Oracle, Reference, double, shape> once(1, 3), twice(1, 3);
    once.forward();
    once.backward();
    for (int i = 0; i < 2; ++i) {
      twice.forward();
      twice.backward();
    }
    for (std::size_t i = 0; i < once.gradients.size(); ++i)
      CHECK(twice.gradients[i] == doctest::Approx(2 * once.gradients[i]));
    CHECK(once.y_gradient == twice.y_gradient);
  };
  run(CausalAttention{});
  run(Mlp<Gelu>{});
}
