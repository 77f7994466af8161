// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/oracles/activations.hpp>

#include "../support/random_data.hpp"

using namespace optiform;
using testing::cast;
using testing::relative_error;

namespace {

using Fast = kernels<Cpu>;
using Plain = kernels<Reference>;

template <class T>
constexpr double tolerance = sizeof(T) == 8 ? 1e-12 : 1e-5;

}  // namespace

TEST_CASE_TEMPLATE("Gelu: the CPU agrees with the reference at any length", T, float, double) {
  for (const Index n : {1, 7, 16, 31, 64, 1000, 40000}) {
    Rng rng(5);
    const auto x = testing::normal<T>(rng, n, 2), y_gradient = testing::normal<T>(rng, n);
    std::vector<T> y(x.size()), x_gradient(y_gradient);
    CpuContext<ForkJoinPool> context(1);
    Fast::activation_forward<Gelu>(context, n, x.data(), y.data());
    // In place, as the oracle does it.
    Fast::activation_backward<Gelu>(context, n, x.data(), x_gradient.data(), x_gradient.data());
    const auto x_d = cast<double>(x), y_gradient_d = cast<double>(y_gradient);
    std::vector<double> y_d(x.size()), x_gradient_d(x.size());
    ReferenceContext plain;
    Plain::activation_forward<Gelu>(plain, n, x_d.data(), y_d.data());
    Plain::activation_backward<Gelu>(plain, n, x_d.data(), y_gradient_d.data(),
                                     x_gradient_d.data());
    CHECK(relative_error(y, y_d) <= tolerance<T>);
    CHECK(relative_error(x_gradient, x_gradient_d) <= tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("Cross entropy: the CPU agrees with the reference at any vocabulary", T, float,
                   double) {
  for (const Index vocabulary : {1, 2, 15, 16, 17, 65, 513, 1000, 5003}) {
    const Index rows = 3;
    Rng rng(7);
    const auto logits = testing::normal<T>(rng, rows * vocabulary, 3);
    const auto targets = testing::ids(rng, rows, vocabulary);
    CpuContext<ForkJoinPool> context(1);
    ReferenceContext plain;
    for (const double cap : {0.0, 2.0, 30.0})
      for (const double scale : {0.0, 0.25}) {
        auto fast = logits;
        auto exact = cast<double>(logits);
        std::vector<double> losses(3), losses_d(3);
        Fast::cross_entropy(context, rows, vocabulary, fast.data(), targets.data(), scale,
                            losses.data(), cap);
        Plain::cross_entropy(plain, rows, vocabulary, exact.data(), targets.data(), scale,
                             losses_d.data(), cap);
        INFO("vocabulary ", vocabulary, " scale ", scale, " cap ", cap);
        if (vocabulary == 1) {
          for (const double loss : losses) CHECK(std::abs(loss) <= (cap == 0 ? 0 : 1e-6));
        } else {
          CHECK(relative_error(losses, losses_d) <= tolerance<T>);
          CHECK(relative_error(fast, exact) <= tolerance<T>);
        }
        if (scale == 0) CHECK(fast == logits);
      }
  }
}

TEST_CASE_TEMPLATE("Cross entropy: a soft cap bounds what huge logits cost", K, Fast, Plain) {
  typename K::Context context(1);
  std::vector<float> logits{1e30F, -1e30F, 0};
  const std::int32_t target = 1;
  double loss = 0;
  K::cross_entropy(context, 1, 3, logits.data(), &target, 1.0, &loss, 15.0);
  CHECK(loss ==
        doctest::Approx(30 + std::log(1 + std::exp(-15.0) + std::exp(-30.0))).epsilon(1e-6));
  CHECK(logits[0] == 0);
  CHECK(logits[1] == 0);
  CHECK_THROWS_WITH_AS(K::cross_entropy(context, 1, 3, logits.data(), &target, 1.0, &loss, -1.0),
                       "cross_entropy: soft_cap = -1; expected 0 (none) or more", Error);
}

TEST_CASE_TEMPLATE("Embedding: the CPU agrees with the reference, repeated tokens included", T,
                   float, double) {
  for (const Index width : {1, 5, 16, 63, 130}) {
    const Index batch = 3, length = 11, vocabulary = 4;
    Rng rng(9);
    const auto ids = testing::ids(rng, batch * length, vocabulary);
    const auto tokens = testing::normal<T>(rng, vocabulary * width);
    const auto positions = testing::normal<T>(rng, length * width);
    const auto out_gradient = testing::normal<T>(rng, batch * length * width);
    CpuContext<ForkJoinPool> context(1);
    ReferenceContext plain;
    const auto run = [&]<class K>(K, auto& on) {
      std::vector<T> out(out_gradient.size()), a(tokens), b(positions);
      K::embedding_forward(on, batch, length, width, ids.data(), tokens.data(), positions.data(),
                           out.data());
      K::embedding_backward(on, batch, length, width, ids.data(), out_gradient.data(), a.data(),
                            b.data());
      out.insert(out.end(), a.begin(), a.end());
      out.insert(out.end(), b.begin(), b.end());
      return out;
    };
    // The same additions in the same order: equal to the last bit.
    CHECK(run(Fast{}, context) == run(Plain{}, plain));
  }
}

TEST_CASE_TEMPLATE("Reductions: sum of squares, fill and copy", T, float, double) {
  for (const Index n : {0, 1, 15, 16, 17, 1000, 100003}) {
    Rng rng(11);
    const auto x = testing::normal<T>(rng, n);
    CpuContext<ForkJoinPool> context(1);
    ReferenceContext plain;
    CHECK(Fast::sum_of_squares(context, n, x.data()) ==
          doctest::Approx(Plain::sum_of_squares(plain, n, x.data())).epsilon(1e-13));
    std::vector<T> y(x.size() + 1, T(3));
    Fast::copy(context, n, x.data(), y.data());
    CHECK(std::vector<T>(y.begin(), y.end() - 1) == x);
    CHECK(y.back() == T(3));
    Fast::fill(context, n, T(2), y.data());
    CHECK(std::vector<T>(y.begin(), y.end() - 1) == std::vector<T>(x.size(), T(2)));
    CHECK(y.back() == T(3));
  }
  const std::vector<float> huge(40, 1e30F);
  CpuContext<ForkJoinPool> context(1);
  CHECK(Fast::sum_of_squares(context, 40, huge.data()) == doctest::Approx(40e60));
}
