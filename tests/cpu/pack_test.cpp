// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <optiform/cpu/pack.hpp>

using namespace optiform;

namespace {

template <class T, int Width>
struct Numbers {
  using P = Pack<T, Width>;
  T a[Width], b[Width];
  P pack_a, pack_b;

  Numbers() {
    for (int i = 0; i < Width; ++i) {
      a[i] = static_cast<T>(i) * T(1.37) - 5;
      b[i] = 3 - static_cast<T>(i) * T(0.7);
    }
    pack_a = P::load(a);
    pack_b = P::load(b);
  }

  template <class F>
  void check(P result, F scalar, const char* name) const {
    CAPTURE(name);
    for (int i = 0; i < Width; ++i) {
      const T expected = scalar(a[i], b[i]);
      CAPTURE(i);
      // Elementary operations are exact to the last bit; a fused one may differ by its rounding.
      CHECK(std::abs(result[i] - expected) <=
            2 * std::numeric_limits<T>::epsilon() * (1 + std::abs(a[i] * b[i])));
    }
  }
};

template <class T, int Width>
void check_elementwise() {
  using P = Pack<T, Width>;
  using I = typename P::Integer;
  const Numbers<T, Width> n;
  const P a = n.pack_a, b = n.pack_b;
  n.check(
      a + b, [](T x, T y) { return x + y; }, "+");
  n.check(
      a - b, [](T x, T y) { return x - y; }, "-");
  n.check(
      a * b, [](T x, T y) { return x * y; }, "*");
  n.check(
      a / b, [](T x, T y) { return x / y; }, "/");
  n.check(
      -a, [](T x, T) { return -x; }, "negative");
  n.check(
      fma(a, b, a), [](T x, T y) { return std::fma(x, y, x); }, "fma");
  n.check(
      max(a, b), [](T x, T y) { return std::max(x, y); }, "max");
  n.check(
      min(a, b), [](T x, T y) { return std::min(x, y); }, "min");
  n.check(
      abs(a), [](T x, T) { return std::abs(x); }, "abs");
  n.check(
      sqrt(abs(a)), [](T x, T) { return std::sqrt(std::abs(x)); }, "sqrt");
  n.check(
      select(a < b, a, b * T(2)), [](T x, T y) { return x < y ? x : y * 2; }, "select");
  n.check(
      nearest(a), [](T x, T) { return std::nearbyint(x); }, "nearest");
  n.check(
      convert<T>(nearest_integer(a)), [](T x, T) { return std::nearbyint(x); }, "integer");
  n.check(
      convert<T>(convert<I>(a)), [](T x, T) { return std::trunc(x); }, "truncation");
  constexpr I mantissa = std::numeric_limits<T>::digits - 1;
  const P small = min(a, P(T(9)));
  n.check(
      as<T>(as<I>(P(1)) + (nearest_integer(small) << Pack<I, Width>(mantissa))),
      [](T x, T) { return std::exp2(std::nearbyint(std::min(x, T(9)))); }, "powers of two");
  CHECK(P::iota()[Width - 1] == Width - 1);
}

template <class T, int Width>
void check_partial() {
  using P = Pack<T, Width>;
  const Numbers<T, Width> n;
  for (int count = 0; count <= Width; ++count) {
    CAPTURE(count);
    // Storage of exactly `count` numbers: an access beyond it is seen by a sanitizer.
    std::vector<T> source(n.a, n.a + count), target(source.size());
    source.reserve(1), target.reserve(1);  // an empty vector has no address
    const P loaded = P::load(source.data(), count);
    n.pack_a.store(target.data(), count);
    CHECK(target == source);
    bool same = true;
    for (int i = 0; i < Width; ++i) same = same && loaded[i] == (i < count ? n.a[i] : T(0));
    CHECK(same);
  }
  alignas(64) T streamed[Width];
  n.pack_a.stream(streamed);
  stream_fence();
  CHECK(std::equal(streamed, streamed + Width, n.a));
}

}  // namespace

TEST_CASE_TEMPLATE("Pack: operations are those of the scalar type, lane by lane", T, float,
                   double) {
  check_elementwise<T, pack_width<T>>();
  check_elementwise<T, 16>();
}

TEST_CASE_TEMPLATE("Pack: partial loads and stores touch nothing else", T, float, double) {
  check_partial<T, pack_width<T>>();
  check_partial<T, 16>();
}

TEST_CASE_TEMPLATE("Lanes: sums are one tree of halves on every machine", T, float, double) {
  const Numbers<T, 16> n;
  T tree[16];
  std::copy(n.a, n.a + 16, tree);
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) tree[i] += tree[i + half];
  CHECK(sum(n.pack_a) == tree[0]);
  CHECK(max_lane(n.pack_a) == *std::max_element(n.a, n.a + 16));
  CHECK(max_lane(n.pack_b) == n.b[0]);
}

TEST_CASE_TEMPLATE("Pack: nearest rounds ties to even and keeps large integers", T, float, double) {
  using P = Pack<T>;
  const T cases[][2] = {{T(0.5), 0},   {T(1.5), 2}, {T(2.5), 2},        {T(-0.5), 0},
                        {T(-1.5), -2}, {3, 3},      {4194304, 4194304}, {-4194304, -4194304}};
  for (const auto& [x, expected] : cases) {
    CHECK(nearest(P(x))[0] == expected);
    CHECK(static_cast<T>(nearest_integer(P(x))[0]) == expected);
  }
}

TEST_CASE_TEMPLATE("Pack: max and min give the second where one is not a number", T, float,
                   double) {
  using P = Pack<T>;
  const P nan(std::numeric_limits<T>::quiet_NaN()), one(T(1));
  CHECK(max(nan, one)[0] == T(1));
  CHECK(min(nan, one)[0] == T(1));
  CHECK(std::isnan(max(one, nan)[0]));
  CHECK(std::isnan(min(one, nan)[0]));
}
