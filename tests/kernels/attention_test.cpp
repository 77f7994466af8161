// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>

#include "../support/attention_problems.hpp"
#include "../support/gradient_check.hpp"
#include "../support/random_data.hpp"

using namespace optiform;
using testing::attention_problem;
using testing::cast;
using testing::relative_error;
using testing::same_bits;

namespace {

template <class T>
struct AttentionResult {
  std::vector<T> out, log_sum_exp, qkv_gradient;
};

template <class T>
struct AttentionInput {
  explicit AttentionInput(const AttentionProblem& problem, std::uint64_t seed = 31) : p(problem) {
    Rng rng(seed);
    qkv = testing::normal<T>(rng, p.batch * p.length * p.token_stride());
    out_gradient = testing::normal<T>(rng, p.batch * p.length * p.out_stride());
  }
  template <class Backend, class U = T>
  AttentionResult<U> on(int threads = 1) const {
    context_t<Backend> context(threads);
    const auto inputs = cast<U>(qkv), gradient = cast<U>(out_gradient);
    AttentionResult<U> r{std::vector<U>(gradient.size(), U(7)),
                         std::vector<U>(static_cast<std::size_t>(p.batch * p.heads * p.length)),
                         std::vector<U>(inputs.size(), U(7))};
    kernels<Backend>::attention_forward(context, p, inputs.data(), r.out.data(),
                                        r.log_sum_exp.data());
    kernels<Backend>::attention_backward(context, p, inputs.data(), r.out.data(),
                                         r.log_sum_exp.data(), gradient.data(),
                                         r.qkv_gradient.data());
    return r;
  }
  AttentionProblem p;
  std::vector<T> qkv, out_gradient;
};

/// The reference always works in double, on the numbers the fast kernel sees.
template <class T>
void check_parity(const AttentionProblem& p) {
  constexpr double tolerance = sizeof(T) == 8 ? 1e-12 : 1e-5;
  const AttentionInput<T> input(p);
  const auto fast = input.template on<Cpu>();
  const auto exact = input.template on<Reference, double>();
  INFO("batch ", p.batch, " length ", p.length, " heads ", p.heads, " kv_heads ", p.kv_heads,
       " head_dim ", p.head_dim, " causal ", p.causal, " window ", p.window, " bytes ", sizeof(T));
  CHECK(relative_error(fast.out, exact.out) <= tolerance);
  CHECK(relative_error(fast.log_sum_exp, exact.log_sum_exp) <= tolerance);
  CHECK(relative_error(fast.qkv_gradient, exact.qkv_gradient) <= tolerance);
}

template <class T>
bool same_result(const AttentionResult<T>& a, const AttentionResult<T>& b) {
  return same_bits(a.out, b.out) && same_bits(a.log_sum_exp, b.log_sum_exp) &&
         same_bits(a.qkv_gradient, b.qkv_gradient);
}

}  // namespace

TEST_CASE_TEMPLATE("Attention: the CPU agrees with the reference at any size", T, float, double) {
  for (const Index length : {1, 2, 7, 8, 9, 31, 47, 48, 49, 63, 64, 65, 97, 130})
    check_parity<T>(attention_problem(1, length, 2, 8));
  for (const Index head_dim :
       {1, 2, 3, 5, 7, 13, 16, 17, 20, 31, 33, 40, 48, 64, 80, 100, 128, 255, 256})
    check_parity<T>(attention_problem(2, 37, 1, head_dim));
  check_parity<T>(attention_problem(3, 70, 3, 24));
  check_parity<T>(attention_problem(1, 700, 1, 20));
  check_parity<T>(attention_problem(1, 1, 1, 1));
}

TEST_CASE_TEMPLATE("Attention: without the causal mask every position sees all", T, float, double) {
  for (const Index length : {1, 5, 48, 63, 65, 100, 530})
    check_parity<T>(attention_problem(1, length, 2, 12, {.causal = false}));
}

TEST_CASE_TEMPLATE("Attention: heads share keys and values in groups", T, float, double) {
  for (const Index kv_heads : {1, 2, 3, 6})
    for (const bool causal : {true, false})
      check_parity<T>(attention_problem(2, 67, 6, 20, {.kv_heads = kv_heads, .causal = causal}));
  check_parity<T>(attention_problem(1, 300, 12, 16, {.kv_heads = 4}));
}

TEST_CASE_TEMPLATE("Attention: a window hides what lies further away", T, float, double) {
  for (const Index window : {1, 2, 7, 16, 33, 64, 65, 129, 200})
    for (const bool causal : {true, false})
      check_parity<T>(attention_problem(1, 131, 2, 8, {.window = window, .causal = causal}));
  for (const Index window : {3, 100, 700})
    check_parity<T>(
        attention_problem(1, 1100, 2, 5, {.kv_heads = 1, .window = window, .causal = true}));
}

TEST_CASE_TEMPLATE("Attention: a window as long as the sequence is none", T, float, double) {
  for (const bool causal : {true, false}) {
    const auto p = attention_problem(2, 133, 2, 9, {.causal = causal});
    const auto without = AttentionInput<T>(p);
    const auto plain = without.template on<Cpu>();
    const auto reference = without.template on<Reference>();
    for (const Index window : {133, 134, 100000}) {
      auto wide = p;
      wide.window = window;
      CHECK(same_result(AttentionInput<T>(wide).template on<Cpu>(), plain));
      CHECK(same_result(AttentionInput<T>(wide).template on<Reference>(), reference));
    }
    auto named = p;
    named.kv_heads = p.heads;
    CHECK(same_result(AttentionInput<T>(named).template on<Cpu>(), plain));
    CHECK(same_result(AttentionInput<T>(named).template on<Reference>(), reference));
  }
}

TEST_CASE_TEMPLATE("Attention: a window of one copies values", T, float, double) {
  const auto p = attention_problem(1, 90, 4, 6, {.kv_heads = 2, .window = 1});
  const AttentionInput<T> input(p);
  const auto r = input.template on<Cpu>();
  for (Index t = 0; t < p.length; ++t)
    for (Index h = 0; h < p.heads; ++h)
      for (Index i = 0; i < p.head_dim; ++i)
        CHECK(static_cast<double>(r.out[static_cast<std::size_t>(p.out_at(0, t, h) + i)]) ==
              doctest::Approx(static_cast<double>(
                                  input.qkv[static_cast<std::size_t>(p.value_at(0, t, h / 2) + i)]))
                  .epsilon(1e-6));
}

TEST_CASE_TEMPLATE("Attention: the number of threads does not change a bit", T, float, double) {
  for (const auto& p :
       {attention_problem(2, 70, 3, 8), attention_problem(1, 1100, 3, 20, {.kv_heads = 1}),
        attention_problem(1, 600, 2, 33, {.kv_heads = 1, .window = 150, .causal = false})}) {
    const AttentionInput<T> input(p, 19);
    const auto one = input.template on<Cpu>(1);
    for (const int threads : {2, 3}) CHECK(same_result(input.template on<Cpu>(threads), one));
  }
}

TEST_CASE_TEMPLATE("Attention: backward agrees with central differences", Backend, Reference, Cpu) {
  const auto check_gradient = [](const AttentionProblem& p) {
    AttentionInput<double> input(p, 5);
    context_t<Backend> context(1);
    auto gradient = input.template on<Backend>().qkv_gradient;
    std::vector<double> out(input.out_gradient.size()),
        lse(static_cast<std::size_t>(p.batch * p.length * p.heads));
    const auto loss = [&] {
      kernels<Backend>::attention_forward(context, p, input.qkv.data(), out.data(), lse.data());
      return testing::inner(out, input.out_gradient);
    };
    const auto result = testing::check_gradients(
        loss, {{"qkv", input.qkv.data(), gradient.data(), static_cast<Index>(gradient.size())}},
        {.coordinates = 40});
    INFO("batch ", p.batch, " length ", p.length, " heads ", p.heads, " head_dim ", p.head_dim,
         " kv_heads ", p.kv_heads, " causal ", p.causal, " window ", p.window);
    CHECK(result.error <= 1e-6);
  };
  for (const bool causal : {true, false}) {
    check_gradient(attention_problem(1, 1, 1, 1, {.causal = causal}));
    check_gradient(attention_problem(2, 1, 3, 5, {.causal = causal}));
    check_gradient(attention_problem(2, 13, 2, 7, {.causal = causal}));
    check_gradient(attention_problem(1, 29, 1, 17, {.causal = causal}));
    check_gradient(attention_problem(2, 19, 6, 5, {.kv_heads = 2, .causal = causal}));
    check_gradient(attention_problem(1, 23, 2, 6, {.window = 5, .causal = causal}));
    check_gradient(attention_problem(1, 41, 4, 3, {.kv_heads = 1, .window = 17, .causal = causal}));
  }
  check_gradient(attention_problem(1, 67, 2, 4));
}

TEST_CASE_TEMPLATE("Attention: sizes that no attention has are refused", Backend, Reference, Cpu) {
  context_t<Backend> context(1);
  const auto message = [&](const AttentionProblem& p) -> std::string {
    try {
      float unused[64]{};
      kernels<Backend>::attention_forward(context, p, unused, unused, unused);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message(attention_problem(1, 1, 6, 1, {.kv_heads = 4})) ==
        "attention: kv_heads = 4; expected 0 or a divisor of heads = 6");
  CHECK(message(attention_problem(1, 1, 6, 1, {.kv_heads = -1})) ==
        "attention: kv_heads = -1; expected 0 or a divisor of heads = 6");
  CHECK(message(attention_problem(1, 1, 1, 1, {.window = -2})) ==
        "attention: window = -2; expected 0 (none) or more");
  CHECK(message(attention_problem(1, 1, 0, 1)) ==
        "attention: batch = 1, length = 1, heads = 0, head_dim = 1; expected batch and length of 0 "
        "or more, the others of 1");
}
