// SPDX-License-Identifier: MIT
// The options of attention and the gated MLP: derivatives, parity, and what they promise.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/gated_mlp.hpp>
#include <optiform/oracles/mlp.hpp>

#include "trial.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

using Turned = Attention<AttentionOptions{.rotary = Rotary{}}>;
using HalfTurned = Attention<AttentionOptions{.rotary = Rotary{.base = 100, .share = 0.5}}>;
using Normed = Attention<AttentionOptions{.qk_norm = true}>;
using Modern = Attention<AttentionOptions{.rotary = Rotary{}, .qk_norm = true}>;
using Windowed = Attention<AttentionOptions{.window = 3, .rotary = Rotary{}}>;
using Both = Attention<AttentionOptions{.causal = false}>;
using SwiGlu = GatedMlp<Silu>;

double inner(Index n, const double* x, const double* y) {
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

static_assert(GradientOracle<Modern>);
static_assert(GradientOracle<SwiGlu>);
static_assert(std::is_same_v<CausalAttention, Attention<AttentionOptions{}>>);

}  // namespace

TEST_CASE_TEMPLATE("Attention: rotation and norm have their derivative", Backend, Reference, Cpu) {
  constexpr ModelShape even{.width = 16, .heads = 2}, odd{.width = 15, .heads = 3},
      wide{.width = 84, .heads = 2};
  check_derivatives<Turned, Backend, even>(2, 7);
  check_derivatives<Turned, Backend, odd>(2, 5);
  check_derivatives<Turned, Backend, wide>(1, 5);
  check_derivatives<HalfTurned, Backend, even>(1, 6);
  check_derivatives<Normed, Backend, odd>(2, 5);
  check_derivatives<Modern, Backend, even>(2, 7);
  check_derivatives<Modern, Backend, wide>(1, 5);
}

TEST_CASE_TEMPLATE("Attention: shared keys and windows have their derivative", Backend, Reference,
                   Cpu) {
  constexpr ModelShape pairs{.width = 24, .heads = 4, .kv_heads = 2},
      one{.width = 15, .heads = 3, .kv_heads = 1};
  check_derivatives<CausalAttention, Backend, pairs>(2, 7);
  check_derivatives<Modern, Backend, pairs>(2, 7);
  check_derivatives<Modern, Backend, one>(1, 5);
  check_derivatives<Windowed, Backend, one>(2, 9);
  check_derivatives<Both, Backend, one>(2, 4);
}

TEST_CASE_TEMPLATE("MLPs: every activation and the gate have their derivative", Backend, Reference,
                   Cpu) {
  constexpr ModelShape small{.width = 3, .heads = 1, .hidden = 19},
      unit{.width = 1, .heads = 1, .hidden = 1};
  check_derivatives<SwiGlu, Backend, unit>(1, 1);
  check_derivatives<SwiGlu, Backend, small>(2, 7);
  check_derivatives<GatedMlp<Gelu>, Backend, small>(1, 5);
  check_derivatives<Mlp<Silu>, Backend, small>(1, 5);
  check_derivatives<GatedMlp<ReluSquared>, Backend, unit>(2, 3);
  check_derivatives<Mlp<ReluSquared>, Backend, small>(1, 3);
}

TEST_CASE_TEMPLATE("Modern oracles: the CPU agrees with the reference", T, float, double) {
  constexpr ModelShape shape{.width = 72, .heads = 3, .hidden = 41};
  check_parity<Turned, T, shape>(2, 37);
  check_parity<HalfTurned, T, shape>(2, 37);
  check_parity<Modern, T, shape>(2, 37);
  check_parity<Modern, T, ModelShape{.width = 60, .heads = 6, .kv_heads = 2}>(2, 37);
  check_parity<Windowed, T, shape>(2, 37);
  check_parity<SwiGlu, T, shape>(2, 37);
  check_parity<Mlp<ReluSquared>, T, shape>(2, 37);
}

TEST_CASE("Modern oracles: the number of threads does not change a bit") {
  constexpr ModelShape shape{.width = 48, .heads = 3, .hidden = 96};
  check_threads<Modern, shape>();
  check_threads<SwiGlu, shape>();
}

TEST_CASE("Modern oracles: dual numbers through backward give the Hessian-vector product") {
  check_hessian_vector_product<Modern>(1e-7);  // roots bend more
  check_hessian_vector_product<SwiGlu>();
}

TEST_CASE("Rotary: the table is the angles' cosines and sines") {
  double table[3 * 4];
  rotary_table(Rotary{.base = 100, .share = 1}, 4, 3, table);
  for (int t = 0; t < 3; ++t) {
    CHECK(table[4 * t] == doctest::Approx(std::cos(t)));
    CHECK(table[4 * t + 1] == doctest::Approx(std::cos(t / 10.)));
    CHECK(table[4 * t + 2] == doctest::Approx(std::sin(t)));
    CHECK(table[4 * t + 3] == doctest::Approx(std::sin(t / 10.)));
  }
  CHECK(Rotary{}.pairs(5) == 2);
  CHECK(Rotary{.share = 0.5}.pairs(16) == 4);
  CHECK(no_rotary.pairs(64) == 0);
}

namespace {

/// Heads of one query and one key that went through a transform at some position.
template <class Backend>
std::vector<double> transformed(std::vector<double> qkv, Index position, bool normalise,
                                int pairs) {
  const int dims = static_cast<int>(qkv.size()) / 3;
  const AttentionProblem problem{.batch = 1, .length = 1, .heads = 1, .head_dim = dims};
  std::vector<double> table(static_cast<std::size_t>(64 * 2 * pairs + 1)), scale(2);
  rotary_table(Rotary{.base = 50, .share = 2. * pairs / dims}, dims, 64, table.data());
  context_t<Backend> context(1);
  kernels<Backend>::heads_forward(
      context, problem,
      HeadTransform<double>{
          .normalise = normalise, .pairs = pairs, .rotation = table.data(), .past = &position},
      qkv.data(), scale.data());
  return qkv;
}

}  // namespace

TEST_CASE_TEMPLATE("Rotary: scores depend on distances only, lengths stay", Backend, Reference,
                   Cpu) {
  constexpr int dims = 22;
  Rng rng(5);
  const auto qkv = normal<double>(rng, 3 * dims);
  const auto length = [](const double* x) { return std::sqrt(inner(dims, x, x)); };
  const auto score = [&](Index query, Index key, int pairs) {
    const auto q = transformed<Backend>(qkv, query, false, pairs);
    const auto k = transformed<Backend>(qkv, key, false, pairs);
    CHECK(length(q.data()) == doctest::Approx(length(qkv.data())).epsilon(1e-12));
    return inner(dims, q.data(), k.data() + dims);
  };
  for (const int pairs : {11, 4}) {
    const double near = score(9, 7, pairs);
    CHECK(score(2, 0, pairs) == doctest::Approx(near).epsilon(1e-12));
    CHECK(score(63, 61, pairs) == doctest::Approx(near).epsilon(1e-12));
    CHECK(std::fabs(score(9, 6, pairs) - near) > 1e-3);
  }
  // The value is no business of a position.
  const auto turned = transformed<Backend>(qkv, 9, true, 11);
  CHECK(std::equal(qkv.begin() + 2 * dims, qkv.end(), turned.begin() + 2 * dims));
}

TEST_CASE_TEMPLATE("qk_norm: every head of queries and keys has root mean square one", Backend,
                   Reference, Cpu) {
  constexpr int dims = 21;
  Rng rng(5);
  auto qkv = normal<double>(rng, 3 * dims, 30);
  const auto out = transformed<Backend>(qkv, 3, true, 10);
  for (const int head : {0, 1}) {
    const double* x = out.data() + head * dims;
    CHECK(inner(dims, x, x) / dims == doctest::Approx(1).epsilon(1e-6));
  }
  for (double& x : qkv) x *= 17;  // a factor drops out
  const auto scaled = transformed<Backend>(qkv, 3, true, 10);
  for (int i = 0; i < 2 * dims; ++i) {
    const auto at = static_cast<std::size_t>(i);
    CHECK(scaled[at] == doctest::Approx(out[at]).epsilon(1e-6));
  }
}

TEST_CASE_TEMPLATE("Attention: shared keys are those of heads with equal rows", Backend, Reference,
                   Cpu) {
  constexpr ModelShape shared{.width = 12, .heads = 4, .kv_heads = 2},
      full{.width = 12, .heads = 4};
  constexpr Index width = 12, dims = 3;
  Trial<Modern, Backend, double, shared> few(2, 5);
  Trial<Modern, Backend, double, full> all(2, 5);
  const auto copy = [&](Index to, Index from, Index rows) {
    for (Index i = 0; i < rows * width; ++i)
      all.parameters[static_cast<std::size_t>(to * width + i)] =
          few.parameters[static_cast<std::size_t>(from * width + i)];
  };
  copy(0, 0, width);  // queries
  for (Index head = 0; head < 4; ++head) {
    copy(width + head * dims, width + head / 2 * dims, dims);                 // keys
    copy(2 * width + head * dims, width + 2 * dims + head / 2 * dims, dims);  // values
  }
  const auto output = [](auto& trial) {
    return trial.parameters.data() + trial.table.find("o.out_proj.weight")->offset;
  };
  std::copy_n(output(few), width * width, output(all));
  all.y = few.y;
  few.forward();
  all.forward();
  CHECK(relative_error(few.g, all.g) < 1e-13);
}

TEST_CASE("Modern oracles: tensors, shapes, and projections that start at zero") {
  constexpr ModelShape shape{.width = 8, .heads = 2, .hidden = 32};
  ParameterTable table;
  Attention<AttentionOptions{.zero_start = true}>::on<Reference, double, shape>::declare(
      table, "layers.3.attn.", 12);
  GatedMlp<Silu, MlpOptions{.zero_start = true}>::on<Reference, double, shape>::declare(
      table, "layers.3.mlp.", 12);
  constexpr ModelShape shared{.width = 8, .heads = 4, .kv_heads = 2};
  CausalAttention::on<Reference, double, shared>::declare(table, "layers.4.attn.", 12);
  const auto expect = [&](const char* name, std::vector<Index> sizes, double deviation) {
    const ParameterInfo* info = table.find(name);
    REQUIRE(info != nullptr);
    CHECK(info->shape == sizes);
    CHECK(info->role == Role::matrix);
    CHECK(info->initialisation.deviation == deviation);
    CHECK(info->initialisation.constant == 0);
  };
  expect("layers.3.attn.qkv_proj.weight", {24, 8}, 0.02);
  expect("layers.3.attn.out_proj.weight", {8, 8}, 0);
  expect("layers.4.attn.qkv_proj.weight", {16, 8}, 0.02);
  expect("layers.3.mlp.w13.weight", {64, 8}, 0.02);
  expect("layers.3.mlp.w2.weight", {8, 32}, 0);
}
