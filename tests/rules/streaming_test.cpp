// SPDX-License-Identifier: MIT
#include "boundary.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace optiform::testing {

TEST_CASE("streaming stores change no bit") {
  constexpr Index rows = 24, width = 64;
  BoundaryRun<TripleMomentum, Cpu, float> run(rows, width, 4);
  run.forward();
  // Streamed buffers start at a cache line.
  using Run = decltype(run);
  Buffer<float> aligned[Run::buffers];
  RowArguments<float> a;
  a.rows = rows;
  a.length = width;
  for (int i = 0; i < Run::buffers; ++i) {
    aligned[i].reset(rows * width);
    a.input[i] = run.input[static_cast<std::size_t>(i)].data();
    a.output[i] = aligned[i].data();
  }
  for (int i = 0; i < Run::columns; ++i) a.column[i] = run.column.data() + i * width;
  for (int c = 0; c < Run::coefficients; ++c)
    a.coefficient[c] = run.coefficient[static_cast<std::size_t>(c)];
  a.streaming = true;
  CpuContext<ForkJoinPool> context(1);
  run_rows<Run::Primal, width>(context, a);
  for (int i = 0; i < Run::buffers; ++i)
    CHECK(std::equal(aligned[i].begin(), aligned[i].end(),
                     run.output[static_cast<std::size_t>(i)].begin()));
}

}  // namespace optiform::testing
