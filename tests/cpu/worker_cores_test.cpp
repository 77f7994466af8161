// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#if defined(__linux__)
#include <sched.h>

#include <vector>

#include <optiform/cpu/threads.hpp>

using namespace optiform;

namespace {
int allowed_cores() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

/// Cores that each thread of a pool may use, 0 where it took no task.
std::vector<int> cores_of(int threads) {
  ForkJoinPool pool(threads);
  std::vector<int> cores(static_cast<std::size_t>(threads));
  for (int round = 0; round < 50; ++round)
    pool.run(64 * threads,
             [&](Index, int thread) { cores[static_cast<std::size_t>(thread)] = allowed_cores(); });
  return cores;
}
}  // namespace

TEST_CASE("workers of a pool as large as the machine have a core each, the caller keeps all") {
  const int all = allowed_cores();
  if (all < 2 || all > 64) return;
  const auto full = cores_of(all);
  for (std::size_t i = 1; i < full.size(); ++i) CHECK(full[i] <= 1);
  CHECK(allowed_cores() == all);
  // Others are left to the scheduler.
  const auto larger = cores_of(all + 1);
  for (const int cores : larger) CHECK((cores == 0 || cores == all));
}
#endif
