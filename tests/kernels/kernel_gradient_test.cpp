// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <cstdint>
#include <string>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/oracles/activations.hpp>

#include "../support/gradient_check.hpp"
#include "../support/random_data.hpp"

using namespace optiform;
using testing::GradientBlock;

namespace {

GradientBlock block(const std::string& name, std::vector<double>& values,
                    const std::vector<double>& gradient) {
  return {name, values.data(), gradient.data(), static_cast<Index>(values.size())};
}

template <class Backend>
void check_gemm(Transpose ta, Transpose tb, Index m, Index n, Index k) {
  using K = kernels<Backend>;
  context_t<Backend> context(1);
  Rng rng(3);
  auto a = testing::normal(rng, m * k), b = testing::normal(rng, k * n);
  const auto weight = testing::normal(rng, m * n);
  const bool at = ta == Transpose::yes, bt = tb == Transpose::yes;
  const Index lda = at ? m : k, ldb = bt ? k : n;
  std::vector<double> c(weight.size()), da(a.size()), db(b.size());
  const double alpha = 0.7;
  const auto loss = [&] {
    K::gemm(context, ta, tb, m, n, k, alpha, a.data(), lda, b.data(), ldb, 0.0, c.data(), n);
    return testing::inner(c, weight);
  };
  const auto flip = [](bool yes) { return yes ? Transpose::yes : Transpose::no; };
  // d op(A) = dC op(B)^T and d op(B) = op(A)^T dC, stored as A and B are.
  if (at)
    K::gemm(context, flip(bt), Transpose::yes, k, m, n, alpha, b.data(), ldb, weight.data(), n, 0.0,
            da.data(), lda);
  else
    K::gemm(context, Transpose::no, flip(!bt), m, k, n, alpha, weight.data(), n, b.data(), ldb, 0.0,
            da.data(), lda);
  if (bt)
    K::gemm(context, Transpose::yes, flip(at), n, k, m, alpha, weight.data(), n, a.data(), lda, 0.0,
            db.data(), ldb);
  else
    K::gemm(context, flip(!at), Transpose::no, k, n, m, alpha, a.data(), lda, weight.data(), n, 0.0,
            db.data(), ldb);
  const auto result = testing::check_gradients(loss, {block("a", a, da), block("b", b, db)});
  INFO("m ", m, " n ", n, " k ", k, " ta ", at, " tb ", bt, " worst ", result.worst);
  CHECK(result.error <= 1e-6);
}

}  // namespace

TEST_CASE_TEMPLATE("gemm: the products of a linear layer are each other's derivatives", Backend,
                   Reference, Cpu) {
  for (const Transpose ta : {Transpose::no, Transpose::yes})
    for (const Transpose tb : {Transpose::no, Transpose::yes}) {
      check_gemm<Backend>(ta, tb, 1, 1, 1);
      check_gemm<Backend>(ta, tb, 7, 5, 11);
      check_gemm<Backend>(ta, tb, 17, 33, 9);
    }
}

TEST_CASE_TEMPLATE("Gelu: backward agrees with central differences", Backend, Reference, Cpu) {
  for (const Index n : {1, 13, 47}) {
    context_t<Backend> context(1);
    Rng rng(7);
    auto x = testing::normal(rng, n, 2);
    const auto weight = testing::normal(rng, n);
    std::vector<double> y(x.size()), gradient(x.size());
    const auto loss = [&] {
      kernels<Backend>::template activation_forward<Gelu>(context, n, x.data(), y.data());
      return testing::inner(y, weight);
    };
    kernels<Backend>::template activation_backward<Gelu>(context, n, x.data(), weight.data(),
                                                         gradient.data());
    CHECK(testing::check_gradients(loss, {block("x", x, gradient)}).error <= 1e-6);
  }
}

TEST_CASE_TEMPLATE("Embedding: backward agrees with central differences", Backend, Reference, Cpu) {
  for (const Index width : {1, 7, 19}) {
    const Index batch = 2, length = 5, vocabulary = 3;
    context_t<Backend> context(1);
    Rng rng(9);
    const auto id = testing::ids(rng, batch * length, vocabulary);
    auto tokens = testing::normal(rng, vocabulary * width);
    auto positions = testing::normal(rng, length * width);
    const auto weight = testing::normal(rng, batch * length * width);
    std::vector<double> out(weight.size()), dt(tokens.size()), dp(positions.size());
    const auto loss = [&] {
      kernels<Backend>::embedding_forward(context, batch, length, width, id.data(), tokens.data(),
                                          positions.data(), out.data());
      return testing::inner(out, weight);
    };
    kernels<Backend>::embedding_backward(context, batch, length, width, id.data(), weight.data(),
                                         dt.data(), dp.data());
    CHECK(testing::check_gradients(loss,
                                   {block("tokens", tokens, dt), block("positions", positions, dp)})
              .error <= 1e-6);
  }
}

TEST_CASE_TEMPLATE("Cross entropy: the gradient in place agrees with central differences", Backend,
                   Reference, Cpu) {
  for (const double cap : {0.0, 1.5, 15.0})
    for (const Index vocabulary : {1, 2, 17, 61}) {
      const Index rows = 3;
      context_t<Backend> context(1);
      Rng rng(11);
      auto logits = testing::normal(rng, rows * vocabulary, 2);
      const auto targets = testing::ids(rng, rows, vocabulary);
      auto gradient = logits;
      std::vector<double> losses(3);
      const auto loss = [&] {
        kernels<Backend>::cross_entropy(context, rows, vocabulary, logits.data(), targets.data(),
                                        0.0, losses.data(), cap);
        return 0.3 * (losses[0] + losses[1] + losses[2]);
      };
      kernels<Backend>::cross_entropy(context, rows, vocabulary, gradient.data(), targets.data(),
                                      0.3, losses.data(), cap);
      INFO("vocabulary ", vocabulary, " soft cap ", cap);
      if (vocabulary == 1) {  // a certain token: nothing to learn but rounding
        for (const double g : gradient) CHECK(std::fabs(g) < 1e-15);
        continue;
      }
      CHECK(testing::check_gradients(loss, {block("logits", logits, gradient)}).error <= 1e-6);
    }
}
