// SPDX-License-Identifier: MIT
// Matrix products of transformer training: the packed kernel and Eigen beside each other, each as
// a share of the multiply-add peak that the same process measured just before.
//   bench/gemm --benchmark_filter='f32/fwd/M=1024'
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <optiform/cpu/gemm.hpp>
#include <optiform/cpu/gemm_eigen.hpp>

#include "support/gemm_cases.hpp"

namespace {

using namespace optiform;

/// Multiply-adds in registers, nothing else: what one core can do, in operations per second.
template <class T>
double multiply_add_peak() {
  using P = Pack<T>;
  constexpr int chains = 12;
  constexpr Index steps = 200000;
  double best = 0;
  for (int attempt = 0; attempt < 50; ++attempt) {
    P sums[chains];
    unrolled<chains>([&](int i) { sums[i] = P(T(i)); });
    P a(T(0.999)), b(T(0.001));
    benchmark::DoNotOptimize(a);
    benchmark::DoNotOptimize(b);
    const auto start = std::chrono::steady_clock::now();
    for (Index step = 0; step < steps; ++step)
      unrolled<chains>([&](int i) OPTIFORM_INLINE_LAMBDA { sums[i] = fma(sums[i], a, b); });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    P total(T(0));
    unrolled<chains>([&](int i) { total += sums[i]; });
    benchmark::DoNotOptimize(sum(total));
    best = std::max(best, 2.0 * P::width * chains * static_cast<double>(steps) / time.count());
  }
  return best;
}

template <class T>
double peak() {
  static const double value = multiply_add_peak<T>();
  return value;
}

template <class Gemm, class T>
void run(benchmark::State& state, bench::Product product, Index m, Index n, Index k, int threads) {
  GemmArguments<T> g = bench::arguments<T>(product, m, n, k);
  const auto filled = [](Index size) {
    std::vector<T> v(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<T>(i % 17) / 16 - T(0.5);
    return v;
  };
  const std::vector<T> a = filled(g.m * g.k), b = filled(g.k * g.n);
  std::vector<T> c = filled(g.m * g.n);
  g.a = a.data();
  g.b = b.data();
  g.c = c.data();
  CpuContext<ForkJoinPool> context(threads);
  const double operations = bench::operations(g);
  for (auto _ : state) {
    gemm<Gemm>(context, g);
    benchmark::DoNotOptimize(c.data());
    benchmark::ClobberMemory();
  }
  state.counters["FLOP/s"] = benchmark::Counter(
      operations * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["of_peak"] =
      benchmark::Counter(operations * static_cast<double>(state.iterations()) /
                             (peak<T>() * static_cast<double>(threads)),
                         benchmark::Counter::kIsRate);
}

template <class Gemm, class T>
void add(const std::string& provider, const std::string& scalar, Index m, Index n, Index k) {
  for (const auto& [product, name] : bench::products)
    for (const int threads : {1, 2})
      benchmark::RegisterBenchmark(
          ("gemm/" + scalar + "/" + name + "/M=" + std::to_string(m) + "/N=" + std::to_string(n) +
           "/K=" + std::to_string(k) + "/threads=" + std::to_string(threads) + "/" + provider)
              .c_str(),
          [=, product = product](benchmark::State& state) {
            run<Gemm, T>(state, product, m, n, k, threads);
          })
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Index m : {256, 1024, 4096})
    for (const auto& layer : bench::layers) {
      add<PackedGemm, float>("packed", "f32", m, layer[0], layer[1]);
      add<EigenGemm, float>("reference_eigen", "f32", m, layer[0], layer[1]);
    }
  add<PackedGemm, double>("packed", "f64", 1024, 768, 768);
  add<EigenGemm, double>("reference_eigen", "f64", 1024, 768, 768);
  // Small networks and attention heads.
  for (const Index m : {1, 8, 64, 256}) {
    add<PackedGemm, float>("packed", "f32", m, 64, 64);
    add<EigenGemm, float>("reference_eigen", "f32", m, 64, 64);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("multiply-add peak of one core, f32 GFLOP/s",
                              std::to_string(peak<float>() * 1e-9));
  benchmark::AddCustomContext("multiply-add peak of one core, f64 GFLOP/s",
                              std::to_string(peak<double>() * 1e-9));
  benchmark::RunSpecifiedBenchmarks();
}
