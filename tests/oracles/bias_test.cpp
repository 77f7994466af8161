// SPDX-License-Identifier: MIT
// Oracles with biases, and the activation that goes with them.
#include <doctest/doctest.h>

#include <cmath>

#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/gated_mlp.hpp>
#include <optiform/oracles/mlp.hpp>

#include "trial.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

using BiasedAttention = Attention<AttentionOptions{.biases = true}>;
using BiasedTurned =
    Attention<AttentionOptions{.rotary = Rotary{}, .qk_norm = true, .biases = true}>;
using BiasedMlp = Mlp<GeluTanh, MlpOptions{.biases = true}>;
using BiasedGate = GatedMlp<Silu, MlpOptions{.biases = true}>;

constexpr ModelShape odd{.width = 15, .heads = 3, .hidden = 11, .kv_heads = 1};
constexpr ModelShape wide{.width = 136, .heads = 2, .hidden = 140};

}  // namespace

TEST_CASE_TEMPLATE("biases have their derivative", Backend, Reference, Cpu) {
  check_derivatives<BiasedAttention, Backend, odd>(2, 5);
  check_derivatives<BiasedTurned, Backend, odd>(1, 4);
  check_derivatives<BiasedMlp, Backend, odd>(2, 3);
  check_derivatives<BiasedGate, Backend, odd>(2, 3);
}

TEST_CASE("biases: second derivatives are exact") {
  check_hessian_vector_product<BiasedAttention>();
  check_hessian_vector_product<BiasedMlp>();
  check_hessian_vector_product<BiasedGate>();
}

TEST_CASE_TEMPLATE("biases: the CPU agrees with the reference", T, float, double) {
  check_parity<BiasedAttention, T, odd>(2, 19);
  check_parity<BiasedMlp, T, wide>(3, 7);
  check_parity<BiasedGate, T, wide>(3, 7);
}

TEST_CASE("biases: results do not depend on threads") { check_threads<BiasedMlp, wide>(); }

TEST_CASE("biases start at zero, beside their matrices") {
  ParameterTable table;
  BiasedAttention::on<Reference, double, odd>::declare(table, "attn.", 1);
  BiasedMlp::on<Reference, double, odd>::declare(table, "mlp.", 1);
  const auto expect = [&](const char* name, Index size) {
    CAPTURE(name);
    const ParameterInfo* const bias = table.find(name);
    REQUIRE(bias != nullptr);
    CHECK(bias->shape == std::vector<Index>{size});
    CHECK(bias->role == Role::norm);
    CHECK(bias->initialisation.deviation == 0);
    CHECK(bias->initialisation.constant == 0);
  };
  expect("attn.qkv_proj.bias", 25);
  expect("attn.out_proj.bias", 15);
  expect("mlp.w1.bias", 11);
  expect("mlp.w2.bias", 15);
  CHECK(table.entries().size() == 8);
}

TEST_CASE("GeluTanh: known values, its derivative, and how far it is from Gelu") {
  CHECK(GeluTanh::value(0.0) == 0);
  CHECK(GeluTanh::derivative(0.0) == 0.5);
  CHECK(GeluTanh::value(1.0) == doctest::Approx(0.8411919906082768).epsilon(1e-15));
  CHECK(GeluTanh::value(-2.0) == doctest::Approx(-0.04540230591222498).epsilon(1e-13));
  CHECK(GeluTanh::value(40.0) == 40);
  CHECK(GeluTanh::value(-40.0) == 0);
  double furthest = 0;
  for (double x = -6; x <= 6; x += 0.03125) {
    CAPTURE(x);
    furthest = std::fmax(furthest, std::fabs(GeluTanh::value(x) - Gelu::value(x)));
    const double h = 1e-3;
    const auto difference = [&](double step) {
      return (GeluTanh::value(x + step) - GeluTanh::value(x - step)) / (2 * step);
    };
    const double slope = (4 * difference(h) - difference(2 * h)) / 3;
    CHECK(GeluTanh::derivative(x) == doctest::Approx(slope).epsilon(1e-9));
  }
  CHECK(furthest > 4e-4);
  CHECK(furthest < 4.8e-4);
}
