// SPDX-License-Identifier: MIT
// The CUDA row kernel on a device against the CPU backend. Built with OPTIFORM_ENABLE_CUDA.
#include <doctest/doctest.h>

#include <optiform/cpu/context.hpp>
#include <optiform/cpu/row_programs.hpp>
#include <optiform/rules/rules.hpp>

#include "device.hpp"

using namespace optiform;
using optiform::testing::device_exists;
using optiform::testing::Meeting;
using optiform::testing::Run;
using optiform::testing::run_on_device;
using optiform::testing::Training;

namespace {

template <class P>
void run_on_cpu(Run<P, float>& run) {
  CpuContext<ForkJoinPool> context(1);
  Buffer<std::byte> workspace(row_workspace_bytes<P, float>(run.rows, run.length));
  auto a = run.arguments();
  a.workspace = workspace.data();
  run_rows<P>(context, a);
}

template <class P, Index Length>
void check(Run<P, float> run) {
  Run<P, float> expected = run, again = run;
  run_on_cpu(expected);
  run_on_device<P, Length>(run);
  CHECK(difference(run, expected) < 2e-5);
  run_on_device<P, Length>(again);
  CHECK((again.output == run.output));
  CHECK((again.column_gradient == run.column_gradient));
  CHECK((again.coefficient_gradient == run.coefficient_gradient));
}

/// Forward, then backward on its statistics.
template <class R, Index Length>
void check_meeting(Index rows) {
  using F = Forward<Meeting<R>>;
  using B = Backward<Meeting<R>>;
  const Run<F, float> forward(rows, Length, 1);
  check<F, Length>(forward);
  auto before = forward;
  run_on_cpu(before);
  Run<B, float> backward(rows, Length, 2);
  for (std::size_t i = 0; i < before.input.size(); ++i) backward.input[i] = before.input[i];
  backward.column = before.column;
  backward.coefficient = before.coefficient;
  backward.statistic = before.statistic;
  check<B, Length>(backward);
}

}  // namespace

TEST_CASE("the CUDA row kernel computes what the CPU computes, the same bits every time") {
  if (!device_exists()) {
    MESSAGE("skipped: no device");
    return;
  }
  check_meeting<GradientDescent, 77>(1000);
  check_meeting<TripleMomentum, 20>(7);
  check_meeting<TripleMomentum, 768>(1000);
  check_meeting<AdamW, 768>(600);
  check<Forward<Training<AdamW>>, 0>(Run<Forward<Training<AdamW>>, float>(5, 1000, 3));
}
