// SPDX-License-Identifier: MIT
// One step of every weight optimizer on the matrices of a Transformer layer (d = 384, hidden 1536;
// 1.8 million numbers), on all cores. A copy of the parameters stands beside them: it is what
// memory allows. Those with a basis are timed between refreshes and in one.
//   bench/weights --benchmark_filter=soap
#include <benchmark/benchmark.h>

#include <string>

#include <optiform/core/random.hpp>
#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/orthonormal_basis.hpp>
#include <optiform/rules/rules.hpp>
#include <optiform/weights/muon.hpp>
#include <optiform/weights/shampoo.hpp>
#include <optiform/weights/soap.hpp>

namespace {

using namespace optiform;

ParameterTable layer() {
  ParameterTable table;
  table.add("qkv", Role::matrix, {3 * 384, 384}, {});
  table.add("out", Role::matrix, {384, 384}, {});
  table.add("w1", Role::matrix, {1536, 384}, {});
  table.add("w2", Role::matrix, {384, 1536}, {});
  return table;
}

/// `reads_and_writes`: vectors of all parameters that a step must move through memory.
template <class Optimizer>
void add(const char* name, typename Optimizer::template on<Cpu, float>::Options options,
         double reads_and_writes) {
  benchmark::RegisterBenchmark(
      name,
      [=](benchmark::State& state) {
        const ParameterTable table = layer();
        typename Optimizer::template on<Cpu, float> optimizer(table, options);
        context_t<Cpu> context;
        Buffer<float> values(table.total()), gradients(table.total());
        Rng rng(1);
        for (float& g : gradients) g = static_cast<float>(rng.normal());
        const auto step = [&] {
          optimizer.step(context, values.data(), gradients.data(), 1, 1e-4);
        };
        step(), step();
        for (auto _ : state) step();
        state.SetBytesProcessed(
            state.iterations() *
            static_cast<std::int64_t>(reads_and_writes * 4 * static_cast<double>(table.total())));
      })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

template <class R>
void add_rule(const char* name, double reads_and_writes) {
  add<WeightOptimizer<R>>(name, WeightOptimizer<R>::template on<Cpu, float>::defaults(),
                          reads_and_writes);
}

void add_copy() {
  benchmark::RegisterBenchmark("copy",
                               [](benchmark::State& state) {
                                 const Index size = layer().total();
                                 context_t<Cpu> context;
                                 Buffer<float> from(size), to(size);
                                 for (auto _ : state) {
                                   kernels<Cpu>::copy(context, size, from.data(), to.data());
                                   benchmark::ClobberMemory();
                                 }
                                 state.SetBytesProcessed(state.iterations() * 8 * size);
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  add_copy();
  add_rule<GradientDescent>("sgd", 3);
  add_rule<HeavyBall>("heavy_ball", 5);
  add_rule<Nesterov>("nesterov", 6);
  add_rule<AdamW>("adamw", 7);
  add_rule<NAdam>("nadam", 7);
  add_rule<Lion>("lion", 5);
  constexpr Index never = 1 << 30;
  add<MuonOptimizer<>>("muon", {}, 5);
  add<SoapOptimizer>("soap/between_refreshes", SoapOptions{.interval = never}, 7);
  add<SoapOptimizer>("soap/refresh_in_every_step", SoapOptions{.interval = 1}, 7);
  add<ShampooOptimizer>("shampoo/between_refreshes", ShampooOptions{.interval = never}, 3);
  add<ShampooOptimizer>("shampoo/refresh_in_every_step", ShampooOptions{.interval = 1}, 3);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
