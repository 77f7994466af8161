// SPDX-License-Identifier: MIT
// The fused row program between two steps of every rule: step, next query, pre-norm; forward and
// backward, in memory (streamed) and in cache, on one thread. Beside them the plain loops of the
// reference, and for triple momentum a loop fused by hand.
//   bench/rows --benchmark_filter='triple_momentum/.*/f32'
#include <benchmark/benchmark.h>

#include <string>

#include <optiform/cpu/reference_rows.hpp>
#include <optiform/rules/rules.hpp>

#include "support/boundary_rows.hpp"
#include "support/row_figures.hpp"

namespace {

using namespace bench;
constexpr Index width = 768;

void count(benchmark::State& state, double bytes, Index rows) {
  const auto passes = static_cast<double>(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes * passes));
  state.SetItemsProcessed(static_cast<std::int64_t>(static_cast<double>(rows) * passes));
}

/// f(rows): one pass. The adjoints, replaced in place, shrink or grow only a little over the runs.
template <class Rows, class F>
void repeat(benchmark::State& state, Index rows, bool forward, F&& pass) {
  Rows r(rows);
  for (auto _ : state) {
    pass(r);
    benchmark::ClobberMemory();
  }
  const auto& program = [&]() -> auto& {
    if constexpr (requires { r.derived; }) {
      return r.derived;
    } else {
      return r;
    }
  }
  ();
  count(state, forward ? program.forward_bytes() : program.backward_bytes(), rows);
}

std::string name(const char* rule, bool forward, const char* scalar, Index rows) {
  return std::string("rule/") + rule + (forward ? "/forward/" : "/backward/") + scalar +
         "/rows=" + std::to_string(rows) + "/d=" + std::to_string(width);
}

template <class R, class T>
void add(const char* rule, const char* scalar, bool with_reference) {
  using Rows = BoundaryRows<R, T, width>;
  for (const Index rows : {Index{16384}, Index{96}})
    for (const bool forward : {true, false})
      benchmark::RegisterBenchmark(
          name(rule, forward, scalar, rows).c_str(), [=](benchmark::State& state) {
            CpuContext<ForkJoinPool> context(1);
            const bool streaming = rows > 1000;
            repeat<Rows>(state, rows, forward, [&](Rows& r) {
              forward ? r.forward(context, streaming) : r.backward(context, streaming);
            });
          });
  if (!with_reference) return;
  for (const bool forward : {true, false})
    benchmark::RegisterBenchmark(
        (name(rule, forward, scalar, 96) + "/reference").c_str(), [=](benchmark::State& state) {
          repeat<Rows>(state, 96, forward,
                       [&](Rows& r) { forward ? r.forward_reference() : r.backward_reference(); });
        });
}

void add_hand_written() {
  using Rows = RowRivals<float, width>;
  for (const Index rows : {Index{16384}, Index{96}})
    for (const bool forward : {true, false})
      benchmark::RegisterBenchmark(
          (name("triple_momentum", forward, "f32", rows) + "/by_hand").c_str(),
          [=](benchmark::State& state) {
            const bool streaming = rows > 1000;
            repeat<Rows>(state, rows, forward, [&](Rows& r) {
              forward ? r.hand_forward(streaming) : r.hand_backward(streaming);
            });
          });
}

}  // namespace

int main(int argc, char** argv) {
  add<GradientDescent, float>("gradient_descent", "f32", true);
  add<HeavyBall, float>("heavy_ball", "f32", true);
  add<Nesterov, float>("nesterov", "f32", true);
  add<TripleMomentum, float>("triple_momentum", "f32", true);
  add_hand_written();
  add<TripleMomentum, double>("triple_momentum", "f64", true);
  add<Adam, float>("adam", "f32", true);
  add<AdamW, float>("adam_w", "f32", true);
  add<RmsProp, float>("rms_prop", "f32", true);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  RowRivals<float, width>(64).check(false);
  benchmark::RunSpecifiedBenchmarks();
}
