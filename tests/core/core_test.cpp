// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <optiform/core/dual.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/parameters.hpp>
#include <optiform/core/random.hpp>
#include <optiform/core/tensor.hpp>

namespace optiform {

TEST_CASE("Philox gives the published words") {
  // Known answers of the authors' Random123 distribution, philox4x32, 10 rounds.
  const Philox zero(0, 0, 0);
  const std::uint32_t of_zero[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  const std::uint64_t all = ~std::uint64_t{0};
  const Philox ones(all, all, all);
  const std::uint32_t of_ones[] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  for (int i = 0; i < 4; ++i) {
    CHECK(zero.word[i] == of_zero[i]);
    CHECK(ones.word[i] == of_ones[i]);
  }
}

TEST_CASE("random numbers have their moments and repeat by seed") {
  Rng a(7), b(7), other(8);
  double sum = 0, squares = 0;
  constexpr int n = 20000;
  bool differs = false;
  for (int i = 0; i < n; ++i) {
    const double x = a.normal();
    CHECK(x == b.normal());
    differs = differs || x != other.normal();
    sum += x;
    squares += x * x;
  }
  CHECK(differs);
  CHECK(std::fabs(sum / n) < 0.03);
  CHECK(std::fabs(squares / n - 1) < 0.04);
  std::vector<int> count(7, 0), order{0, 1, 2, 3, 4};
  for (int i = 0; i < 7000; ++i) ++count[a.below(7)];
  for (const int c : count) CHECK(std::abs(c - 1000) < 150);
  a.shuffle(order.data(), 5);
  int present = 0;
  for (const int i : order) present |= 1 << i;
  CHECK(present == 31);
}

TEST_CASE("parameters lie apart, aligned, each name once") {
  ParameterTable table;
  CHECK(table.add("a", Role::matrix, {3, 5}, {}) == 0);
  CHECK(table.add("b", Role::scalar, {}, {}) == 16);
  CHECK(table.total() == 32);
  CHECK(table.count() == 16);
  CHECK(table.find("b")->size == 1);
  CHECK(table.find("c") == nullptr);
  CHECK_THROWS_WITH_AS(table.add("a", Role::norm, {1}, {}), "parameter 'a' is defined twice",
                       Error);
}

TEST_CASE("messages print numbers as they were written") {
  CHECK(message("x = ", 0.1, ", n = ", 3, '.') == "x = 0.1, n = 3.");
  CHECK(message(1.0 / 3) == "0.3333333333333333");
}

TEST_CASE("planned buffers are aligned and do not overlap") {
  MemoryPlan plan;
  const auto a = plan.reserve<float>("a", 3), b = plan.reserve<double>("b", 2);
  CHECK(b.offset - a.offset == memory_alignment);
  Buffer<std::byte> arena(plan.bytes());
  CHECK(reinterpret_cast<std::uintptr_t>(arena.data()) % memory_alignment == 0);
  CHECK(plan.entries().size() == 2);
}

TEST_CASE("dual numbers differentiate the elementary functions") {
  const Dual<double> x(0.7, 1.0);
  const double h = 1e-6;
  const auto check = [&](auto f) {
    const double difference = (f(0.7 + h) - f(0.7 - h)) / (2 * h);
    CHECK(f(x).derivative == doctest::Approx(difference).epsilon(1e-8));
    CHECK(f(x).value == doctest::Approx(f(0.7)));
  };
  using namespace math;
  check([](auto v) { return sqrt(v) * v - v / (v + 2.0); });
  check([](auto v) { return exp(-v) + log(v); });
  check([](auto v) { return tanh(v) * erf(v); });
}

TEST_CASE("tensor views are row-major") {
  float data[6] = {0, 1, 2, 3, 4, 5};
  const TensorRef<float, 2> view{data, {2, 3}};
  CHECK(view(1, 2) == 5);
  CHECK(view.row(1) == data + 3);
  CHECK(view.size() == 6);
  const TensorRef<const float, 2> read_only = view;
  CHECK(read_only(0, 1) == 1);
}

}  // namespace optiform
