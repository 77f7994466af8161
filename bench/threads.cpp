// SPDX-License-Identifier: MIT
// What handing work to threads costs, and how far a loop of pure arithmetic scales on this machine.
//   bench/threads [THREADS]
// *_empty_region_ns: one run of empty tasks, back to back; _after_pause: the threads have gone to
// sleep; _beside_busy: as many other busy threads want the cores.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include <optiform/cpu/pack.hpp>
#include <optiform/cpu/threads.hpp>
#if defined(_OPENMP)
#include <optiform/cpu/openmp.hpp>
#endif

#include "support/measure.hpp"

namespace {

using namespace optiform;

/// Eight independent chains of multiply-adds: nothing but arithmetic.
float arithmetic(Index rounds) {
  Pack<float> sum[8];
  for (auto& s : sum) s = 1.F;
  for (Index i = 0; i < rounds; ++i)
    for (auto& s : sum) s = fma(s, Pack<float>(0.999F), Pack<float>(1e-3F));
  float total = 0;
  for (auto& s : sum) total += s[0];
  return total;
}

template <class Threads>
double empty_region(Threads& threads, int runs) {
  return bench::seconds([&] {
           for (int i = 0; i < runs; ++i) threads.run(threads.threads(), [](Index, int) {});
         }) /
         runs;
}

template <class Threads>
void measure(const char* name, int count) {
  Threads threads(count);
  empty_region(threads, 1000);
  std::vector<double> times;
  for (int i = 0; i < 9; ++i) times.push_back(empty_region(threads, 10000));
  std::sort(times.begin(), times.end());
  std::printf("%s_empty_region_ns %.0f\n", name, 1e9 * times[4]);

  times.clear();
  for (int i = 0; i < 51; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    times.push_back(empty_region(threads, 1));
  }
  std::sort(times.begin(), times.end());
  std::printf("%s_after_pause_ns %.0f\n", name, 1e9 * times[25]);

  constexpr Index rounds = 400000;
  std::atomic<float> sink{0};
  const auto whole = [&](Index tasks) {
    return bench::seconds(
        [&] { threads.run(tasks, [&](Index, int) { sink.store(arithmetic(rounds / tasks)); }); });
  };
  const auto best = [&](Index tasks) {
    double least = 1e9;
    for (int i = 0; i < 9; ++i) least = std::min(least, whole(tasks));
    return least;
  };
  std::printf("%s_arithmetic_speedup %.3f\n", name, best(1) / best(64 * count));

  {
    std::atomic<bool> stop{false};
    std::vector<std::thread> others;
    for (int i = 0; i < count; ++i)
      others.emplace_back([&] {
        while (!stop.load()) sink.store(arithmetic(1000));
      });
    double worst = 0;
    times.clear();
    for (int i = 0; i < 31; ++i) times.push_back(whole(64 * count));
    std::sort(times.begin(), times.end());
    worst = times[15];
    stop = true;
    for (auto& other : others) other.join();
    std::printf("%s_beside_busy_slowdown %.2f\n", name, worst / best(64 * count));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int threads =
      argc > 1 ? std::atoi(argv[1]) : static_cast<int>(std::thread::hardware_concurrency());
  measure<ForkJoinPool>("fork_join", threads);
#if defined(_OPENMP)
  measure<OpenMpThreads>("openmp", threads);
#endif
}
