// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>

#include "trial.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

static_assert(GradientOracle<CausalAttention>);
static_assert(GradientOracle<Mlp<Gelu>>);
static_assert(!GradientOracle<Gelu>);

}  // namespace

TEST_CASE_TEMPLATE("CausalAttention: backward agrees with central differences", Backend, Reference,
                   Cpu) {
  check_derivatives<CausalAttention, Backend, ModelShape{.width = 1, .heads = 1, .hidden = 1}>(1,
                                                                                               1);
  check_derivatives<CausalAttention, Backend, ModelShape{.width = 8, .heads = 2, .hidden = 1}>(2,
                                                                                               1);
  check_derivatives<CausalAttention, Backend, ModelShape{.width = 6, .heads = 3, .hidden = 1}>(3,
                                                                                               7);
  check_derivatives<CausalAttention, Backend, ModelShape{.width = 13, .heads = 1, .hidden = 1}>(1,
                                                                                                11);
  check_derivatives<CausalAttention, Backend, ModelShape{.width = 5, .heads = 5, .hidden = 1}>(2,
                                                                                               17);
}

TEST_CASE_TEMPLATE("Mlp: backward agrees with central differences", Backend, Reference, Cpu) {
  check_derivatives<Mlp<Gelu>, Backend, ModelShape{.width = 1, .heads = 1, .hidden = 1}>(1, 1);
  check_derivatives<Mlp<Gelu>, Backend, ModelShape{.width = 7, .heads = 1, .hidden = 3}>(2, 5);
  check_derivatives<Mlp<Gelu>, Backend, ModelShape{.width = 3, .heads = 1, .hidden = 19}>(1, 13);
}

TEST_CASE_TEMPLATE("Oracles: the CPU agrees with the reference", T, float, double) {
  constexpr ModelShape shape{.width = 24, .heads = 3, .hidden = 40};
  check_parity<CausalAttention, T, shape>(2, 37);
  check_parity<Mlp<Gelu>, T, shape>(2, 37);
}

TEST_CASE("Oracles: the number of threads does not change a bit") {
  constexpr ModelShape shape{.width = 48, .heads = 3, .hidden = 96};
  check_threads<CausalAttention, shape>();
  check_threads<Mlp<Gelu>, shape>();
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
