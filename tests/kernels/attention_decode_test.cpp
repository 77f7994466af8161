// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>

#include "../support/random_data.hpp"

using namespace optiform;
using testing::cast;
using testing::relative_error;

namespace {

struct Sizes {
  Index batch = 1, length = 1, heads = 2, head_dim = 8, kv_heads = 0, window = 0;
  Index capacity = 0;  // 0: no more than is needed
};

AttentionProblem problem_of(const Sizes& s) {
  return {.batch = s.batch,
          .length = s.length,
          .heads = s.heads,
          .head_dim = s.head_dim,
          .kv_heads = s.kv_heads,
          .window = s.window,
          .scale = 1 / std::sqrt(static_cast<double>(s.head_dim))};
}

/// What one call reads and writes.
template <class T>
struct Call {
  std::vector<T> qkv, keys, values, out;

  template <class Backend, class Context>
  void run(Backend, Context& context, const AttentionProblem& p, const std::vector<Index>& past,
           Index capacity) {
    kernels<Backend>::attention_decode(context, p, past.data(), qkv.data(), keys.data(),
                                       values.data(), capacity, out.data());
  }
};

template <class T>
Call<T> random_call(const AttentionProblem& p, Index capacity, std::uint64_t seed = 3) {
  Rng rng(seed);
  const Index cached = p.batch * p.key_heads() * capacity * p.head_dim;
  return {
      testing::normal<T>(rng, p.batch * p.length * (p.heads + 2 * p.key_heads()) * p.head_dim),
      testing::normal<T>(rng, cached), testing::normal<T>(rng, cached),
      std::vector<T>(static_cast<std::size_t>(p.batch * p.length * p.heads * p.head_dim), T(7))};
}

/// Sequence b has past - 3 b tokens before the new ones.
template <class T>
void check(const Sizes& s, Index past) {
  const AttentionProblem p = problem_of(s);
  std::vector<Index> before;
  for (Index b = 0; b < s.batch; ++b) before.push_back(std::max<Index>(0, past - 3 * b));
  const Index capacity = s.capacity > 0 ? s.capacity : past + s.length;
  Call<T> fast = random_call<T>(p, capacity);
  Call<double> exact{cast<double>(fast.qkv), cast<double>(fast.keys), cast<double>(fast.values),
                     cast<double>(fast.out)};
  CpuContext<ForkJoinPool> context(1);
  ReferenceContext plain;
  fast.run(Cpu{}, context, p, before, capacity);
  exact.run(Reference{}, plain, p, before, capacity);
  INFO("batch ", s.batch, " length ", s.length, " heads ", s.heads, " head_dim ", s.head_dim,
       " kv_heads ", s.kv_heads, " window ", s.window, " past ", past, " bytes ", sizeof(T));
  CHECK(cast<double>(fast.keys) == exact.keys);
  CHECK(cast<double>(fast.values) == exact.values);
  CHECK(relative_error(fast.out, exact.out) <= (sizeof(T) == 8 ? 1e-13 : 2e-6));
}

}  // namespace

TEST_CASE("Attention decode, Reference: token by token is attention_forward of the whole") {
  const Index length = 11, heads = 3, dim = 5, batch = 2;
  const AttentionProblem whole =
      problem_of({.batch = batch, .length = length, .heads = heads, .head_dim = dim});
  Rng rng(1);
  const auto qkv = testing::normal<double>(rng, batch * length * 3 * heads * dim);
  const auto width = static_cast<std::size_t>(heads * dim);
  std::vector<double> expected(batch * length * width), lse(batch * length * heads);
  ReferenceContext context;
  kernels<Reference>::attention_forward(context, whole, qkv.data(), expected.data(), lse.data());

  AttentionProblem one = whole;
  one.length = 1;
  std::vector<double> keys(batch * heads * length * dim), values(keys.size());
  for (Index t = 0; t < length; ++t) {
    std::vector<double> now(batch * 3 * width), out(batch * width);
    for (Index b = 0; b < batch; ++b)
      std::copy_n(qkv.begin() + (b * length + t) * static_cast<Index>(3 * width), 3 * width,
                  now.begin() + b * static_cast<Index>(3 * width));
    const std::vector<Index> past(batch, t);
    kernels<Reference>::attention_decode(context, one, past.data(), now.data(), keys.data(),
                                         values.data(), length, out.data());
    for (Index b = 0; b < batch; ++b)
      for (std::size_t i = 0; i < width; ++i)
        CHECK(out[static_cast<std::size_t>(b) * width + i] ==
              doctest::Approx(expected[static_cast<std::size_t>(b * length + t) * width + i])
                  .epsilon(1e-14));
  }
}

TEST_CASE_TEMPLATE("Attention decode: the CPU agrees with the reference at any size", T, float,
                   double) {
  for (const Index past : {0, 1, 7, 62, 63, 64, 65, 255, 256, 257, 600}) check<T>({}, past);
  for (const Index dim : {1, 2, 3, 7, 15, 16, 17, 31, 33, 48, 64, 80, 128, 130})
    check<T>({.batch = 2, .head_dim = dim}, 70);
  for (const Index length : {2, 3, 5, 31, 32, 33, 70}) check<T>({.length = length}, 100);
  check<T>({.length = 300, .heads = 1}, 0);
  check<T>({.batch = 5, .heads = 3, .head_dim = 24, .capacity = 500}, 290);
}

TEST_CASE_TEMPLATE("Attention decode: shared heads of keys and sliding windows", T, float, double) {
  for (const Index kv_heads : {1, 2, 3, 6})
    for (const Index length : {1, 9})
      check<T>({.batch = 2, .length = length, .heads = 6, .kv_heads = kv_heads}, 90);
  for (const Index window : {1, 2, 63, 64, 65, 300, 1000})
    for (const Index length : {1, 40})
      check<T>({.length = length, .heads = 4, .kv_heads = 2, .window = window}, 520);
}

TEST_CASE("Attention decode: large scores stay finite") {
  const AttentionProblem p = problem_of({.heads = 1, .head_dim = 4});
  Call<float> call = random_call<float>(p, 400);
  for (float& x : call.qkv) x *= 1e4f;
  for (float& x : call.keys) x *= 1e4f;
  CpuContext<ForkJoinPool> context(1);
  call.run(Cpu{}, context, p, {399}, 400);
  for (const float x : call.out) CHECK(std::isfinite(x));
}

TEST_CASE("Attention decode: the same bits for any number of threads and of tokens at once") {
  const Sizes s{.batch = 3, .length = 37, .heads = 4, .head_dim = 20, .kv_heads = 2, .window = 301};
  const AttentionProblem p = problem_of(s);
  const std::vector<Index> past{290, 0, 411};
  constexpr Index capacity = 450;
  const Call<float> start = random_call<float>(p, capacity);
  const auto on = [&](int threads) {
    Call<float> call = start;
    CpuContext<ForkJoinPool> context(threads);
    call.run(Cpu{}, context, p, past, capacity);
    return call.out;
  };
  const auto one = on(1);
  CHECK(on(2) == one);
  CHECK(on(3) == one);

  CpuContext<ForkJoinPool> context(2);
  AttentionProblem single = p;
  single.length = 1;
  Call<float> step = start;
  const auto row = static_cast<std::size_t>((p.heads + 2 * p.key_heads()) * p.head_dim);
  const auto width = static_cast<std::size_t>(p.heads * p.head_dim);
  for (Index t = 0; t < s.length; ++t) {
    std::vector<Index> before;
    step.qkv.clear();
    for (Index b = 0; b < s.batch; ++b) {
      before.push_back(past[static_cast<std::size_t>(b)] + t);
      const auto first = start.qkv.begin() + (b * s.length + t) * static_cast<Index>(row);
      step.qkv.insert(step.qkv.end(), first, first + static_cast<Index>(row));
    }
    step.run(Cpu{}, context, single, before, capacity);
    for (Index b = 0; b < s.batch; ++b)
      CHECK(std::equal(step.out.begin() + b * static_cast<Index>(width),
                       step.out.begin() + (b + 1) * static_cast<Index>(width),
                       one.begin() + (b * s.length + t) * static_cast<Index>(width)));
  }
}
