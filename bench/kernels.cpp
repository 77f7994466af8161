// SPDX-License-Identifier: MIT
// The kernels that are no matrix product, each beside its reference loop: attention, GELU, cross
// entropy, embeddings, sums of squares. One thread unless the name says otherwise.
//   bench/kernels --benchmark_filter='attention.*T=256'
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <string>

#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/oracles/activations.hpp>

namespace {

using namespace optiform;

template <class T>
Buffer<T> normal(Index n, double deviation = 1) {
  Buffer<T> values(n);
  Rng rng(1);
  for (T& value : values) value = static_cast<T>(deviation * rng.normal());
  return values;
}

Buffer<std::int32_t> ids(Index n, Index vocabulary) {
  Buffer<std::int32_t> values(n);
  Rng rng(2);
  for (auto& value : values)
    value = static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(vocabulary)));
  return values;
}

void count(benchmark::State& state, const char* name, double per_iteration) {
  state.counters[name] =
      benchmark::Counter(per_iteration, benchmark::Counter::kIsIterationInvariantRate);
}

/// Multiply-adds in registers: what one core can do.
template <class T>
void multiply_add_peak(benchmark::State& state) {
  using P = Pack<T>;
  constexpr int chains = 12;
  constexpr Index steps = 20000;
  P sums[chains];
  unrolled<chains>([&](int i) OPTIFORM_INLINE_LAMBDA { sums[i] = P(static_cast<T>(i)); });
  P a(static_cast<T>(0.999)), b(static_cast<T>(0.001));
  benchmark::DoNotOptimize(a);
  benchmark::DoNotOptimize(b);
  for (auto _ : state)
    for (Index step = 0; step < steps; ++step)
      unrolled<chains>([&](int i) OPTIFORM_INLINE_LAMBDA { sums[i] = fma(sums[i], a, b); });
  P total(static_cast<T>(0));
  unrolled<chains>([&](int i) OPTIFORM_INLINE_LAMBDA { total += sums[i]; });
  benchmark::DoNotOptimize(sum(total));
  count(state, "flop/s", 2.0 * P::width * chains * static_cast<double>(steps));
}

enum class Pass { forward, backward, both };

/// Counts what a causal product needs: 2 multiply-adds per score forward, 5 backward.
template <class Backend, class T>
void attention(benchmark::State& state, AttentionProblem p, Pass pass, int threads) {
  p.scale = 1 / std::sqrt(static_cast<double>(p.head_dim));
  context_t<Backend> context(threads);
  const Index n = p.batch * p.length * p.heads * p.head_dim;
  const auto qkv = normal<T>(3 * n), out_gradient = normal<T>(n);
  Buffer<T> out(n), lse(p.batch * p.length * p.heads), qkv_gradient(3 * n);
  using K = kernels<Backend>;
  K::attention_forward(context, p, qkv.data(), out.data(), lse.data());
  for (auto _ : state) {
    if (pass != Pass::backward)
      K::attention_forward(context, p, qkv.data(), out.data(), lse.data());
    if (pass != Pass::forward)
      K::attention_backward(context, p, qkv.data(), out.data(), lse.data(), out_gradient.data(),
                            qkv_gradient.data());
    benchmark::DoNotOptimize(qkv_gradient.data());
    benchmark::ClobberMemory();
  }
  const double scores = static_cast<double>(p.batch * p.heads) * static_cast<double>(p.length) *
                        static_cast<double>(p.length + 1) / 2;
  const double products = pass == Pass::forward ? 2 : pass == Pass::backward ? 5 : 7;
  count(state, "flop/s", products * 2 * scores * static_cast<double>(p.head_dim));
}

template <class Backend, class T>
void gelu_forward(benchmark::State& state, Index n) {
  context_t<Backend> context(1);
  const auto x = normal<T>(n);
  Buffer<T> y(n);
  for (auto _ : state) {
    kernels<Backend>::template activation_forward<Gelu>(context, n, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  count(state, "items/s", static_cast<double>(n));
}

template <class Backend, class T>
void gelu_backward(benchmark::State& state, Index n) {
  context_t<Backend> context(1);
  const auto x = normal<T>(n), y_gradient = normal<T>(n);
  Buffer<T> x_gradient(n);
  for (auto _ : state) {
    kernels<Backend>::template activation_backward<Gelu>(context, n, x.data(), y_gradient.data(),
                                                         x_gradient.data());
    benchmark::ClobberMemory();
  }
  count(state, "items/s", static_cast<double>(n));
}

/// The logits are restored by the kernel's own scale of the gradient: any numbers will do.
template <class Backend, class T>
void cross_entropy(benchmark::State& state, Index rows, Index vocabulary) {
  context_t<Backend> context(1);
  auto logits = normal<T>(rows * vocabulary, 3);
  const auto targets = ids(rows, vocabulary);
  Buffer<double> losses(rows);
  for (auto _ : state) {
    kernels<Backend>::cross_entropy(context, rows, vocabulary, logits.data(), targets.data(), 1.0,
                                    losses.data());
    benchmark::ClobberMemory();
  }
  count(state, "items/s", static_cast<double>(rows * vocabulary));
}

template <class Backend, class T>
void embedding(benchmark::State& state, Index tokens, Index width, bool backward) {
  context_t<Backend> context(1);
  const Index vocabulary = 8192;
  auto table = normal<T>(vocabulary * width), positions = normal<T>(256 * width);
  const auto id = ids(tokens, vocabulary);
  auto out = normal<T>(tokens * width);
  for (auto _ : state) {
    if (backward)
      kernels<Backend>::embedding_backward(context, tokens / 256, 256, width, id.data(), out.data(),
                                           table.data(), positions.data());
    else
      kernels<Backend>::embedding_forward(context, tokens / 256, 256, width, id.data(),
                                          table.data(), positions.data(), out.data());
    benchmark::ClobberMemory();
  }
  count(state, "items/s", static_cast<double>(tokens * width));
}

template <class Backend, class T>
void sum_of_squares(benchmark::State& state, Index n) {
  context_t<Backend> context(1);
  const auto x = normal<T>(n);
  for (auto _ : state)
    benchmark::DoNotOptimize(kernels<Backend>::sum_of_squares(context, n, x.data()));
  count(state, "B/s", static_cast<double>(n) * sizeof(T));
}

/// Rates count the time of the calling thread: what others do on the machine matters less.
template <class Function, class... Arguments>
benchmark::internal::Benchmark* add(const std::string& name, Function function,
                                    Arguments... arguments) {
  return benchmark::RegisterBenchmark(name.c_str(), function, arguments...)
      ->Unit(benchmark::kMicrosecond);
}

void add_attention(Index batch, Index length, Index heads, Index head_dim) {
  const AttentionProblem p{.batch = batch, .length = length, .heads = heads, .head_dim = head_dim};
  const std::string shape = "/f32/B=" + std::to_string(batch) + "/T=" + std::to_string(length) +
                            "/H=" + std::to_string(heads) + "/D=" + std::to_string(head_dim);
  add("attention_forward" + shape, attention<Cpu, float>, p, Pass::forward, 1);
  add("attention_backward" + shape, attention<Cpu, float>, p, Pass::backward, 1);
  add("attention_both" + shape, attention<Cpu, float>, p, Pass::both, 1);
  add("attention_both" + shape + "/threads=2", attention<Cpu, float>, p, Pass::both, 2)
      ->UseRealTime();
}

}  // namespace

int main(int argc, char** argv) {
  add("multiply_add_peak/f32", multiply_add_peak<float>);
  add_attention(8, 256, 6, 64);
  add_attention(1, 1024, 6, 64);
  add_attention(4, 128, 3, 64);
  const AttentionProblem small{.batch = 1, .length = 256, .heads = 1, .head_dim = 64};
  add("attention_both/f32/B=1/T=256/H=1/D=64", attention<Cpu, float>, small, Pass::both, 1);
  add("attention_both/f32/B=1/T=256/H=1/D=64/reference", attention<Reference, float>, small,
      Pass::both, 1);
  const Index hidden = 2048 * 1536;
  add("gelu_forward/f32", gelu_forward<Cpu, float>, hidden);
  add("gelu_forward/f32/reference", gelu_forward<Reference, float>, hidden);
  add("gelu_backward/f32", gelu_backward<Cpu, float>, hidden);
  add("gelu_backward/f32/reference", gelu_backward<Reference, float>, hidden);
  for (const Index vocabulary : {Index{8192}, Index{50304}}) {
    const std::string shape = "cross_entropy/f32/rows=64/V=" + std::to_string(vocabulary);
    add(shape, cross_entropy<Cpu, float>, Index{64}, vocabulary);
    add(shape + "/reference", cross_entropy<Reference, float>, Index{64}, vocabulary);
  }
  for (const bool backward : {false, true}) {
    const std::string name = backward ? "embedding_backward" : "embedding_forward";
    add(name + "/f32/tokens=2048/d=384", embedding<Cpu, float>, Index{2048}, Index{384}, backward);
    add(name + "/f32/tokens=2048/d=384/reference", embedding<Reference, float>, Index{2048},
        Index{384}, backward);
  }
  add("sum_of_squares/f32/n=14M", sum_of_squares<Cpu, float>, Index{14000000});
  add("sum_of_squares/f32/n=14M/reference", sum_of_squares<Reference, float>, Index{14000000});
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
