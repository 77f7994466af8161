// SPDX-License-Identifier: MIT
#include <algorithm>

#include "../../examples/study/second_embedding.hpp"
#include "../depth/gradients.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

template <class R>
using Block = TransformerLayer<R, CausalAttention, Mlp<Gelu>>;
using Tables = LanguageModel<odd_shape, Block<SecondEmbedding>>;
using Plain = LanguageModel<odd_shape, Block<Vanilla>, Head<HeadOptions{.tied = false}>>;

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("second embedding: derivatives of the whole network") { check_model_gradients<Tables>(); }

TEST_CASE("second embedding: the plain network whose embedding is the sum of both tables") {
  TinyModel<Tables, Reference, double> two;
  TinyModel<Plain, Reference, double> one;
  one.copy_from(two);
  const auto* const head = one.model.parameters().find("head.weight");
  REQUIRE(head != nullptr);
  std::copy_n(two.at("tok_emb.weight"), head->size, one.at("head.weight"));
  for (const std::string table : {"tok_emb.weight", "pos_emb.weight"}) {
    const Index size = one.model.parameters().find(table)->size;
    for (Index i = 0; i < size; ++i) one.at(table)[i] += two.at("second_" + table)[i];
  }
  const auto expected = one.logits(), found = two.logits();
  double error = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    error = std::fmax(error, std::fabs(found[i] - expected[i]));
  CHECK(error < 1e-12);
}

TEST_SUITE_END();
