// SPDX-License-Identifier: MIT
// The body of the CUDA row kernel, run by simulated threads on the host, against ReferenceRows.
#include <doctest/doctest.h>

#include <cmath>
#include <type_traits>
#include <vector>

#include <optiform/cpu/context.hpp>
#include <optiform/cpu/reference_rows.hpp>
#include <optiform/cpu/row_programs.hpp>
#include <optiform/cuda/backend.hpp>
#include <optiform/cuda/row_lane.hpp>
#include <optiform/rules/rules.hpp>

#include "on_cpu.hpp"
#include "programs.hpp"

using namespace optiform;
using optiform::testing::difference;
using optiform::testing::Meeting;
using optiform::testing::Run;
using optiform::testing::Training;

namespace optiform::testing {

template <class P>
void run_on_cpu(Run<P, float>& run) {
  CpuContext<ForkJoinPool> context(1);
  Buffer<std::byte> workspace(row_workspace_bytes<P, float>(run.rows, run.length));
  auto a = run.arguments();
  a.workspace = workspace.data();
  run_rows<P>(context, a);
}

// For row_kernel_test.cu.
#define OPTIFORM_ON_CPU(...) template void run_on_cpu<__VA_ARGS__>(Run<__VA_ARGS__, float>&)
OPTIFORM_ON_CPU(Forward<Meeting<GradientDescent>>);
OPTIFORM_ON_CPU(Backward<Meeting<GradientDescent>>);
OPTIFORM_ON_CPU(Forward<Meeting<TripleMomentum>>);
OPTIFORM_ON_CPU(Backward<Meeting<TripleMomentum>>);
OPTIFORM_ON_CPU(Forward<Meeting<AdamW>>);
OPTIFORM_ON_CPU(Backward<Meeting<AdamW>>);
OPTIFORM_ON_CPU(Forward<Training<AdamW>>);
#undef OPTIFORM_ON_CPU

}  // namespace optiform::testing

namespace {

struct HostMath {
  template <class T>
  static T fma(T a, T b, T c) {
    return std::fma(a, b, c);
  }
  template <class T>
  static T product(T a, T b) {
    return a * b;
  }
  template <class T>
  static T root(T a) {
    return std::sqrt(a);
  }
  template <class T>
  static T read_only(const T* from) {
    return *from;
  }
};

/// All threads of a group, one after the other; sums in the order of a device: a butterfly within
/// each warp, then over the warps.
template <class Lane, int Threads>
struct HostGroup {
  std::vector<Lane> lanes;

  template <class Pass>
  explicit HostGroup(const Pass& pass) {
    for (int t = 0; t < Threads; ++t) lanes.emplace_back(pass, t);
  }
  template <class F>
  void each(F&& f) {
    for (Lane& lane : lanes) f(lane);
  }
  template <int Count>
  void sum() {
    constexpr std::size_t warp = Threads < 32 ? Threads : 32;
    for (int i = 0; i < Count; ++i) {
      for (std::size_t other = warp / 2; other > 0; other /= 2) {
        auto before = lanes;
        for (std::size_t t = 0; t < lanes.size(); ++t)
          lanes[t].sum[i] = before[t].sum[i] + before[t ^ other].sum[i];
      }
      auto total = lanes[0].sum[i];
      for (std::size_t w = warp; w < lanes.size(); w += warp) total += lanes[w].sum[i];
      for (Lane& lane : lanes) lane.sum[i] = total;
    }
  }
};

/// What cuda::run_rows does, with simulated threads.
template <class P, Index Length, int Threads, class T>
void simulate(const RowArguments<T>& a, Index workers) {
  using Lane = cuda::RowLane<P, T, Length, Threads, HostMath>;
  constexpr auto coefficients = static_cast<std::size_t>(P::graph.coefficients);
  const auto columns = static_cast<std::size_t>(P::graph.columns * a.length);
  const auto count = static_cast<std::size_t>(workers);
  std::vector<double> of_coefficients(count * coefficients, NAN);
  std::vector<T> of_columns(count * columns, static_cast<T>(NAN));
  cuda::RowPass<P, T> pass(a);
  pass.coefficient_partial = of_coefficients.data();
  pass.column_partial = of_columns.data();
  for (Index w = 0; w < workers; ++w) {
    HostGroup<Lane, Threads> group(pass);
    cuda::visit_rows<P>(group, a.rows, w, workers);
  }
  if (!cuda::sums_over_rows<P>()) return;
  for (std::size_t w = 0; w < count; ++w) {
    for (std::size_t i = 0; i < coefficients; ++i)
      a.coefficient_gradient[i] += of_coefficients[w * coefficients + i];
    for (std::size_t i = 0; i < columns; ++i)
      a.column_gradient[i / static_cast<std::size_t>(a.length)]
                       [i % static_cast<std::size_t>(a.length)] += of_columns[w * columns + i];
  }
}

template <class T>
constexpr double tolerance = std::is_same_v<T, double> ? 1e-12 : 2e-5;

/// Forward, then backward on the forward's statistics, both against the specification.
template <class Rule, Index Length, int Threads, class T>
void check_meeting(Index rows, Index workers) {
  using F = Forward<Meeting<Rule>>;
  using B = Backward<Meeting<Rule>>;
  CAPTURE(Length);
  CAPTURE(Threads);
  Run<F, T> expected(rows, Length, 1), got(rows, Length, 1);
  ReferenceRows<F, T>::run(expected.arguments());
  simulate<F, Length, Threads>(got.arguments(), workers);
  CHECK(difference(got, expected) < tolerance<T>);

  Run<B, T> expected_back(rows, Length, 2), got_back(rows, Length, 2);
  for (std::size_t i = 0; i < expected.input.size(); ++i)
    expected_back.input[i] = got_back.input[i] = expected.input[i];
  expected_back.column = got_back.column = expected.column;
  expected_back.coefficient = got_back.coefficient = expected.coefficient;
  expected_back.statistic = got_back.statistic = expected.statistic;
  ReferenceRows<B, T>::run(expected_back.arguments());
  auto a = got_back.arguments();
  // The adjoints of the state lie where those of the next state were.
  for (short o = 0; o < B::graph.outputs; ++o) {
    const Output& out = B::graph.output[o];
    if (out.in_place_of < 0) continue;
    const auto from = static_cast<std::size_t>(out.in_place_of);
    got_back.output[static_cast<std::size_t>(out.index)] = got_back.input[from];
    a.input[out.in_place_of] = a.output[out.index] =
        got_back.output[static_cast<std::size_t>(out.index)].data();
  }
  simulate<B, Length, Threads>(a, workers);
  CHECK(difference(got_back, expected_back) < tolerance<T>);
}

}  // namespace

TEST_CASE("the CUDA row kernel's body is the specification, for any length and number of threads") {
  check_meeting<TripleMomentum, 2, 1, double>(5, 2);
  check_meeting<TripleMomentum, 5, 32, double>(5, 5);
  check_meeting<TripleMomentum, 37, 1, double>(5, 1);
  check_meeting<TripleMomentum, 37, 32, double>(5, 2);
  check_meeting<TripleMomentum, 96, 32, double>(4, 1);
  check_meeting<TripleMomentum, 100, 96, double>(4, 3);
}

TEST_CASE("the CUDA row kernel's body runs every kind of rule") {
  check_meeting<GradientDescent, 33, 32, double>(7, 3);
  check_meeting<HeavyBall, 33, 32, double>(7, 3);
  check_meeting<AdamW, 33, 32, double>(7, 3);
}

TEST_CASE("the CUDA row kernel's body holds to float's precision") {
  check_meeting<TripleMomentum, 100, 96, float>(4, 3);
  check_meeting<RmsProp, 100, 64, float>(4, 3);
}

TEST_CASE("the CUDA row kernel's body trains weights in place on rows of run-time length") {
  using P = Forward<Training<AdamW>>;
  for (const Index length : {1, 31, 32, 100}) {
    CAPTURE(length);
    Run<P, double> expected(3, length, 4), got(3, length, 4);
    ReferenceRows<P, double>::run(expected.arguments());
    auto a = got.arguments();
    for (std::size_t s = 0; s < got.output.size(); ++s) {
      got.output[s] = got.input[s];
      a.input[s] = a.output[s] = got.output[s].data();
    }
    simulate<P, 0, 32>(a, 2);
    CHECK(difference(got, expected) < tolerance<double>);
  }
}

TEST_CASE("threads per row leave each thread at most ninety values to hold") {
  using F = Forward<Meeting<TripleMomentum>>;
  using B = Backward<Meeting<AdamW>>;
  CHECK(cuda::threads_per_row<F>(1) == 32);
  CHECK(cuda::threads_per_row<F>(0) == 256);
  for (const Index length : {64, 192, 384, 768, 1024, 1600}) {
    const Index threads = cuda::threads_per_row<B>(length);
    const Index held = B::graph.inputs + B::plan.scratch_rows + B::graph.columns;
    CAPTURE(length);
    CHECK(threads % 32 == 0);
    CHECK((length + threads - 1) / threads * held <= 90);
    if (threads > 32) CHECK((length + threads - 33) / (threads - 32) * held > 90);
  }
}

TEST_CASE("the number of workers is bounded where they keep gradients, and all rows elsewhere") {
  using F = Forward<Meeting<TripleMomentum>>;
  using B = Backward<Meeting<TripleMomentum>>;
  CHECK(cuda::row_workers<F>(100000) == 100000);
  CHECK(cuda::row_workers<B>(100000) == 512);
  CHECK(cuda::row_workers<B>(3) == 3);
  CHECK(cuda::row_partial_bytes<F, float>(100, 64) == 0);
  CHECK(cuda::row_partial_bytes<B, float>(100, 64) == 100 * (8 * 8 + 2 * 64 * 4));
}
