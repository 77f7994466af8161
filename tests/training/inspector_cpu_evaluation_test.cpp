// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "hybrid_checks.hpp"

using namespace optiform;
using evaluated::Batch;

namespace {

TEST_CASE("Inspector: on the CPU backend all layers chosen is the model to the bit") {
  evaluated::check_hybrids<TripleMomentum, Cpu, float>();
}

TEST_CASE("Inspector: attention that does not look has the entropy of its positions") {
  const Batch b;
  auto trainer = evaluated::trainer<TripleMomentum, Cpu, float>(2);
  auto* values = static_cast<float*>(trainer->state()[0].data);
  // Queries of zero: every score is zero. Head 1 of layer 1 keeps its own.
  for (const char* layer : {"layers.0", "layers.1"}) {
    const auto* p = trainer->parameters().find(std::string(layer) + ".attn.qkv_proj.weight");
    REQUIRE(p != nullptr);
    const Index rows = layer[7] == '0' ? 4 : 2, width = 4;
    std::fill_n(values + p->offset, rows * width, 0.f);
  }
  double even = 0;
  for (Index t = 0; t < evaluated::length; ++t) even += std::log(static_cast<double>(t + 1));
  even /= static_cast<double>(evaluated::length);
  const auto entropy = trainer->inspector()->attention_entropy(evaluated::batch, b.tokens);
  REQUIRE(entropy.size() == 2);
  CHECK(entropy[0].layer == 0);
  CHECK(entropy[1].layer == 1);
  REQUIRE(entropy[1].heads.size() == 2);
  CHECK(entropy[0].heads[0] == doctest::Approx(even).epsilon(1e-6));
  CHECK(entropy[0].heads[1] == doctest::Approx(even).epsilon(1e-6));
  CHECK(entropy[1].heads[0] == doctest::Approx(even).epsilon(1e-6));
  CHECK(entropy[1].heads[1] < even - 1e-4);
  CHECK(entropy[1].heads[1] > 0);
  CHECK(entropy[0].mean() == doctest::Approx(even).epsilon(1e-6));
  CHECK(entropy[0].even == doctest::Approx(even).epsilon(1e-14));
}

TEST_CASE("attention entropy: by the book, with windows and shared keys") {
  Rng rng(9);
  const AttentionProblem p{.batch = 2,
                           .length = 70,
                           .heads = 4,
                           .head_dim = 3,
                           .kv_heads = 2,
                           .window = 20,
                           .scale = 0.7};
  const auto qkv = optiform::testing::normal(rng, p.batch * p.length * p.token_stride());
  std::vector<double> out(static_cast<std::size_t>(p.batch * p.length * p.out_stride())),
      lse(static_cast<std::size_t>(p.batch * p.heads * p.length)), sums(4), expected(4);
  ReferenceContext reference;
  kernels<Reference>::attention_forward(reference, p, qkv.data(), out.data(), lse.data());
  for (Index b = 0; b < p.batch; ++b)
    for (Index h = 0; h < p.heads; ++h)
      for (Index t = 0; t < p.length; ++t) {
        std::vector<double> probability;
        double total = 0;
        for (Index s = std::max<Index>(0, t - 19); s <= t; ++s) {
          double score = 0;
          for (Index i = 0; i < p.head_dim; ++i)
            score += qkv[static_cast<std::size_t>(p.query_at(b, t, h) + i)] *
                     qkv[static_cast<std::size_t>(p.key_at(b, s, h / 2) + i)];
          total += probability.emplace_back(std::exp(0.7 * score));
        }
        for (const double q : probability)
          expected[static_cast<std::size_t>(h)] -= q / total * std::log(q / total);
      }
  context_t<Cpu> context(2);
  add_attention_entropy<Cpu>(context, p, qkv.data(), lse.data(), sums);
  for (std::size_t h = 0; h < 4; ++h) CHECK(sums[h] == doctest::Approx(expected[h]).epsilon(1e-12));
  // Position t sees t + 1 tokens, and 20 once the window is full.
  CHECK(even_attention_entropy(p) ==
        doctest::Approx((std::lgamma(20.0) + 51 * std::log(20.0)) / 70).epsilon(1e-14));
}

}  // namespace
