// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/oracles/activations.hpp>

#include "../support/random_data.hpp"

using namespace optiform;

namespace {

AttentionProblem problem(Index batch, Index length, Index heads, Index head_dim) {
  return {.batch = batch,
          .length = length,
          .heads = heads,
          .head_dim = head_dim,
          .scale = 1 / std::sqrt(static_cast<double>(head_dim))};
}

template <class Backend, class T>
std::vector<T> attend(const AttentionProblem& p, const std::vector<T>& qkv, int threads = 1) {
  context_t<Backend> context(threads);
  std::vector<T> out(qkv.size() / 3), lse(static_cast<std::size_t>(p.batch * p.heads * p.length));
  kernels<Backend>::attention_forward(context, p, qkv.data(), out.data(), lse.data());
  out.insert(out.end(), lse.begin(), lse.end());
  return out;
}

struct OnReference {
  using Backend = Reference;
  using Scalar = double;
};
struct OnCpu {
  using Backend = Cpu;
  using Scalar = double;
};
struct OnCpuFloat {
  using Backend = Cpu;
  using Scalar = float;
};

}  // namespace

TEST_CASE_TEMPLATE("Attention: a token leaves the outputs before it unchanged, bit for bit", On,
                   OnReference, OnCpu, OnCpuFloat) {
  using T = typename On::Scalar;
  const Index length = 77, heads = 2, dim = 9, width = heads * dim;
  const auto p = problem(1, length, heads, dim);
  Rng rng(13);
  const auto qkv = testing::normal<T>(rng, length * 3 * width);
  const auto before = attend<typename On::Backend>(p, qkv);
  for (const Index changed : {0, 1, 7, 8, 40, 63, 64, 76}) {
    auto other = qkv;
    for (Index i = 0; i < 3 * width; ++i)
      other[static_cast<std::size_t>(changed * 3 * width + i)] *= -50;
    const auto after = attend<typename On::Backend>(p, other);
    INFO("changed token ", changed);
    CHECK(std::memcmp(before.data(), after.data(),
                      static_cast<std::size_t>(changed * width) * sizeof(T)) == 0);
    CHECK(std::memcmp(before.data() + changed * width, after.data() + changed * width,
                      static_cast<std::size_t>(width) * sizeof(T)) != 0);
  }
}

TEST_CASE_TEMPLATE("Attention: the first position copies its own value", On, OnReference, OnCpu,
                   OnCpuFloat) {
  using T = typename On::Scalar;
  const auto p = problem(1, 1, 3, 5);
  Rng rng(15);
  const auto qkv = testing::normal<T>(rng, 3 * 15);
  const auto out = attend<typename On::Backend>(p, qkv);
  for (std::size_t i = 0; i < 15; ++i) CHECK(out[i] == qkv[30 + i]);
}

TEST_CASE_TEMPLATE("Attention: equal keys give the mean of the values seen", On, OnReference, OnCpu,
                   OnCpuFloat) {
  using T = typename On::Scalar;
  const Index length = 100, dim = 3;
  std::vector<T> qkv(static_cast<std::size_t>(length * 9), T(1));
  for (Index t = 0; t < length; ++t)
    for (Index i = 0; i < dim; ++i)
      qkv[static_cast<std::size_t>(t * 9 + 6 + i)] = static_cast<T>(t);
  const auto out = attend<typename On::Backend>(problem(1, length, 1, dim), qkv);
  for (Index t = 0; t < length; ++t)
    CHECK(static_cast<double>(out[static_cast<std::size_t>(t * dim)]) ==
          doctest::Approx(static_cast<double>(t) / 2).epsilon(1e-6));
}

TEST_CASE_TEMPLATE("Attention: huge scores choose one key and stay finite", On, OnReference, OnCpu,
                   OnCpuFloat) {
  using T = typename On::Scalar;
  const Index length = 50, dim = 4;
  Rng rng(17);
  auto qkv = testing::normal<T>(rng, length * 3 * dim);
  for (Index t = 0; t < length; ++t)
    for (Index i = 0; i < 2 * dim; ++i) qkv[static_cast<std::size_t>(t * 3 * dim + i)] *= T(1e4);
  const auto p = problem(1, length, 1, dim);
  const auto out = attend<typename On::Backend>(p, qkv);
  for (const T value : out) CHECK(std::isfinite(value));
  const auto exact = attend<Reference>(p, testing::cast<double>(qkv));
  CHECK(testing::relative_error(out, exact) <= (sizeof(T) == 8 ? 1e-10 : 1e-5));
}

TEST_CASE_TEMPLATE("Cross entropy: huge logits give exact losses and no overflow", On, OnReference,
                   OnCpu, OnCpuFloat) {
  using T = typename On::Scalar;
  using K = kernels<typename On::Backend>;
  context_t<typename On::Backend> context(1);
  for (const Index vocabulary : {3, 40}) {
    std::vector<T> logits(static_cast<std::size_t>(2 * vocabulary), T(-1e30));
    logits[1] = T(1e4);
    logits[static_cast<std::size_t>(vocabulary)] = T(1e30);
    const std::vector<std::int32_t> targets{1, 0};
    std::vector<double> losses(2);
    K::cross_entropy(context, 2, vocabulary, logits.data(), targets.data(), 1.0, losses.data());
    CHECK(losses == std::vector<double>{0, 0});
    for (const T gradient : logits) CHECK(gradient == 0);
  }
  std::vector<T> logits{0, 1e4};
  const std::int32_t target = 0;
  double loss = 0;
  K::cross_entropy(context, 1, 2, logits.data(), &target, 2.0, &loss);
  CHECK(loss == 1e4);
  CHECK(logits == std::vector<T>{-2, 2});
}

TEST_CASE_TEMPLATE("Cross entropy: equal logits give the logarithm of the vocabulary", On,
                   OnReference, OnCpu, OnCpuFloat) {
  using T = typename On::Scalar;
  context_t<typename On::Backend> context(1);
  std::vector<T> logits(50304, T(3));
  const std::int32_t target = 50303;
  double loss = 0;
  kernels<typename On::Backend>::cross_entropy(context, 1, 50304, logits.data(), &target, 0.0,
                                               &loss);
  CHECK(loss == doctest::Approx(std::log(50304.0)).epsilon(1e-7));
}

#if !defined(__FAST_MATH__)
TEST_CASE_TEMPLATE("Kernels: not-a-number is passed on, never swallowed", On, OnReference, OnCpu,
                   OnCpuFloat) {
  using T = typename On::Scalar;
  using K = kernels<typename On::Backend>;
  context_t<typename On::Backend> context(1);
  for (const std::size_t place : {std::size_t{0}, std::size_t{20}, std::size_t{36}}) {
    std::vector<T> logits(37, T(1)), y(37);
    logits[place] = std::numeric_limits<T>::quiet_NaN();
    K::template activation_forward<Gelu>(context, 37, logits.data(), y.data());
    CHECK(std::isnan(y[place]));
    CHECK(std::isnan(K::sum_of_squares(context, 37, logits.data())));
    const std::int32_t target = 3;
    double loss = 0;
    K::cross_entropy(context, 1, 37, logits.data(), &target, 1.0, &loss);
    CHECK(std::isnan(loss));
  }
  auto qkv = std::vector<T>(20 * 3 * 4, T(1));
  qkv[10 * 12 + 4] = std::numeric_limits<T>::quiet_NaN();  // a key
  const auto out = attend<typename On::Backend>(problem(1, 20, 1, 4), qkv);
  CHECK(std::isnan(out[10 * 4]));
  CHECK(std::isnan(out[19 * 4]));
  CHECK(out[9 * 4] == doctest::Approx(1));
}
#endif

TEST_CASE("Gelu: known values and limits") {
  CHECK(Gelu::value(0.0) == 0);
  CHECK(Gelu::derivative(0.0) == 0.5);
  CHECK(Gelu::value(1.0) == doctest::Approx(0.8413447460685429).epsilon(1e-15));
  CHECK(Gelu::value(-1.0) == doctest::Approx(-0.15865525393145707).epsilon(1e-14));
  CHECK(Gelu::value(40.0) == 40);
  CHECK(Gelu::value(-40.0) == 0);
  CHECK(Gelu::derivative(40.0) == 1);
  CHECK(Gelu::derivative(-40.0) == 0);
  std::vector<float> x{-1e4F, -40, 40, 1e4F}, y(4);
  CpuContext<ForkJoinPool> context(1);
  kernels<Cpu>::activation_forward<Gelu>(context, 4, x.data(), y.data());
  CHECK(y == std::vector<float>{0, 0, 40, 1e4F});
}

TEST_CASE_TEMPLATE("Cpu: the number of threads does not change a bit", T, float, double) {
  const Index batch = 2, length = 70, heads = 3, dim = 8, tokens = batch * length, vocabulary = 300;
  const Index width = heads * dim;
  const auto p = problem(batch, length, heads, dim);
  Rng rng(19);
  const auto qkv = testing::normal<T>(rng, tokens * 3 * width);
  const auto y_gradient = testing::normal<T>(rng, tokens * width);
  const auto logits = testing::normal<T>(rng, tokens * vocabulary);
  const auto long_row = testing::normal<T>(rng, 200000);
  const auto id = testing::ids(rng, tokens, vocabulary);
  const auto table = testing::normal<T>(rng, vocabulary * width);
  using K = kernels<Cpu>;

  const auto all = [&](int threads) {
    CpuContext<ForkJoinPool> context(threads);
    std::vector<std::vector<T>> results;
    std::vector<T> out(y_gradient.size()), lse(static_cast<std::size_t>(tokens * heads)),
        qkv_gradient(qkv.size()), loss_gradient(logits), embedded(y_gradient.size()),
        table_gradient(table.size()), position_gradient(static_cast<std::size_t>(length * width)),
        activated(long_row.size());
    std::vector<double> losses(static_cast<std::size_t>(tokens));
    K::attention_forward(context, p, qkv.data(), out.data(), lse.data());
    K::attention_backward(context, p, qkv.data(), out.data(), lse.data(), y_gradient.data(),
                          qkv_gradient.data());
    K::cross_entropy(context, tokens, vocabulary, loss_gradient.data(), id.data(), 0.5,
                     losses.data());
    K::embedding_forward(context, batch, length, width, id.data(), table.data(), table.data(),
                         embedded.data());
    K::embedding_backward(context, batch, length, width, id.data(), y_gradient.data(),
                          table_gradient.data(), position_gradient.data());
    K::template activation_forward<Gelu>(context, 200000, long_row.data(), activated.data());
    losses.push_back(K::sum_of_squares(context, 200000, long_row.data()));
    results = {
        out,      lse, qkv_gradient, loss_gradient, embedded, table_gradient, position_gradient,
        activated};
    for (const double loss : losses) {
      std::vector<T> bits(sizeof(double) / sizeof(T));
      std::memcpy(bits.data(), &loss, sizeof loss);
      results.push_back(bits);
    }
    return results;
  };
  const auto one = all(1);
  for (const int threads : {2, 3}) {
    const auto many = all(threads);
    REQUIRE(many.size() == one.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      INFO("threads ", threads, " result ", i);
      CHECK(testing::same_bits(many[i], one[i]));
    }
  }
}
