// SPDX-License-Identifier: MIT
// What docs/write_your_own_rule.md promises of squares and of a row operation that a user wrote.
#include <doctest/doctest.h>

#include <optiform/cpu.hpp>

#include "../support/centre_heads.hpp"
#include "../support/gradient_check.hpp"
#include "../support/tiny_model.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

// [shampoo]
struct PlainShampoo : Rule {
  Square r = covariance("covariance");
  Scalar beta_r = unit("betaR", 0.5), gamma = positive("gamma", ln2);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r = beta_r * r + (1 - beta_r) * gram(g);
    x += gamma * normalise(precondition(g, r));
  }
};
// [shampoo]

constexpr ModelShape shape{.width = 15, .heads = 3, .hidden = 7};
template <class R>
using Network = LanguageModel<shape, Stack<TransformerLayer<R, CausalAttention, Mlp<Gelu>>>>;

template <class R, class Backend>
std::vector<double> logits() {
  return TinyModel<Network<R>, Backend, double>().logits();
}

}  // namespace

TEST_CASE("the page's Shampoo is the library's") {
  CHECK(logits<PlainShampoo, Cpu>() == logits<Shampoo, Cpu>());
}

TEST_CASE("a user's row operation runs on both backends") {
  CHECK(relative_error(logits<CentredDescent, Cpu>(), logits<CentredDescent, Reference>()) < 1e-12);
}
