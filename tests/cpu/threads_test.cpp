// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <optiform/cpu/context.hpp>
#include <optiform/cpu/gemm.hpp>
#include <optiform/cpu/threads.hpp>

// Every allocation of this executable by operator new is counted, on all threads. The aligned
// blocks behind Buffer are not: they show by the address they would change.
namespace {
std::atomic<long> allocations{0};
}
__attribute__((noinline)) void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
__attribute__((noinline)) void operator delete(void* p) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace optiform;

TEST_CASE("ForkJoinPool: every task runs once, under a thread number that exists") {
  for (const int threads : {1, 2, 3, 8}) {
    ForkJoinPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const Index tasks : {Index(0), Index(1), Index(2), Index(7), Index(1000)}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
      std::atomic<int> strangers{0};
      pool.run(tasks, [&](Index task, int thread) {
        runs[static_cast<std::size_t>(task)].fetch_add(1);
        if (thread < 0 || thread >= threads) strangers.fetch_add(1);
      });
      CHECK(std::all_of(runs.begin(), runs.end(), [](const auto& n) { return n.load() == 1; }));
      CHECK(strangers.load() == 0);
    }
  }
}

TEST_CASE("ForkJoinPool: one thread is a plain loop on the caller, in order") {
  ForkJoinPool pool(1);
  std::vector<Index> order;
  const auto self = std::this_thread::get_id();
  pool.run(5, [&](Index task, int thread) {
    CHECK(std::this_thread::get_id() == self);
    CHECK(thread == 0);
    order.push_back(task);
  });
  CHECK(order == std::vector<Index>{0, 1, 2, 3, 4});
}

TEST_CASE("ForkJoinPool: no two tasks run at the same time under one thread number") {
  constexpr int threads = 4;
  ForkJoinPool pool(threads);
  std::vector<std::atomic<int>> busy(threads);
  std::atomic<int> clashes{0};
  for (int round = 0; round < 50; ++round)
    pool.run(16, [&](Index, int thread) {
      auto& mine = busy[static_cast<std::size_t>(thread)];
      if (mine.fetch_add(1) != 0) clashes.fetch_add(1);
      std::this_thread::yield();
      mine.fetch_sub(1);
    });
  CHECK(clashes.load() == 0);
}

TEST_CASE("ForkJoinPool: thousands of short runs, with sleeps between them, lose nothing") {
  for (const int threads : {2, 5}) {
    ForkJoinPool pool(threads);
    std::atomic<long> sum{0};
    long expected = 0;
    for (int round = 0; round < 4000; ++round) {
      const Index tasks = 1 + round % 9;
      pool.run(tasks, [&](Index task, int) { sum.fetch_add(static_cast<long>(task) + 1); });
      expected += static_cast<long>(tasks * (tasks + 1) / 2);
      if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(sum.load() == expected);
  }
}

TEST_CASE("ForkJoinPool: what tasks wrote is visible to the caller, and the other way round") {
  ForkJoinPool pool(3);
  std::vector<int> values(64, 0);  // plain memory: a missing fence is a race under a sanitizer
  for (int round = 1; round <= 200; ++round) {
    pool.run(64, [&](Index task, int) { values[static_cast<std::size_t>(task)] += round; });
    for (int& value : values) value += 1;
  }
  CHECK(values[0] == 200 * 201 / 2 + 200);
  CHECK(values == std::vector<int>(64, values[0]));
}

TEST_CASE("ForkJoinPool: another thread really helps") {
  ForkJoinPool pool(2);
  std::atomic<int> inside{0};
  std::atomic<bool> met{false};
  // Each of two tasks waits for the other: alone, the caller would never meet anybody.
  pool.run(2, [&](Index, int) {
    inside.fetch_add(1);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (inside.load() < 2 && std::chrono::steady_clock::now() < give_up)
      std::this_thread::yield();
    if (inside.load() == 2) met = true;
  });
  CHECK(met.load());
}

TEST_CASE(
    "ForkJoinPool: successive runs give a thread the same share, and helpers only what is left") {
  ForkJoinPool pool(2);
  constexpr int tasks = 10;
  std::vector<int> ran_by(tasks, -1);
  // Nobody is faster here: after each task a thread waits until both have done as many.
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> done[2] = {0, 0};
    std::atomic<int> moved{0};
    pool.run(tasks, [&](Index task, int thread) {
      const int mine = done[thread].fetch_add(1) + 1;
      const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (mine <= tasks / 2 && done[1 - thread].load() < mine &&
             std::chrono::steady_clock::now() < give_up)
        std::this_thread::yield();
      int& who = ran_by[static_cast<std::size_t>(task)];
      if (who >= 0 && who != thread) moved.fetch_add(1);
      who = thread;
    });
    CHECK(moved.load() == 0);
  }
  CHECK(ran_by == std::vector<int>{0, 0, 0, 0, 0, 1, 1, 1, 1, 1});
}

TEST_CASE("ForkJoinPool: a share whose thread is held up is done by the others") {
  ForkJoinPool pool(2);
  std::atomic<int> others{0};
  // The first task ends only when all the others have been done.
  pool.run(20, [&](Index task, int) {
    if (task != 0) {
      others.fetch_add(1);
      return;
    }
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (others.load() < 19 && std::chrono::steady_clock::now() < give_up)
      std::this_thread::yield();
    CHECK(others.load() == 19);
  });
}

TEST_CASE("ForkJoinPool: an exception reaches the caller and the pool goes on working") {
  for (const int threads : {1, 2, 4}) {
    ForkJoinPool pool(threads);
    for (int round = 0; round < 100; ++round) {
      std::atomic<int> begun{0};
      CHECK_THROWS_WITH_AS(pool.run(50,
                                    [&](Index task, int) {
                                      begun.fetch_add(1);
                                      if (task == 3) throw std::runtime_error("task 3");
                                    }),
                           "task 3", std::runtime_error);
      CHECK(begun.load() >= 4);
      std::atomic<int> count{0};
      pool.run(20, [&](Index, int) { count.fetch_add(1); });
      CHECK(count.load() == 20);
    }
  }
}

TEST_CASE("ForkJoinPool: when every task fails, one error arrives") {
  ForkJoinPool pool(4);
  for (int round = 0; round < 100; ++round)
    CHECK_THROWS_AS(pool.run(8, [](Index, int) { throw 1; }), int);
}

TEST_CASE("ForkJoinPool: a run inside a task stays on its thread") {
  ForkJoinPool pool(3);
  std::atomic<int> inner{0}, moved{0};
  pool.run(6, [&](Index, int thread) {
    const auto self = std::this_thread::get_id();
    if (pool.current() != thread) moved.fetch_add(1);
    pool.run(4, [&](Index, int inner_thread) {
      inner.fetch_add(1);
      if (inner_thread != thread || std::this_thread::get_id() != self) moved.fetch_add(1);
    });
  });
  CHECK(inner.load() == 24);
  CHECK(moved.load() == 0);
  CHECK(pool.current() == -1);
}

TEST_CASE("ForkJoinPool: two pools may be nested in each other") {
  ForkJoinPool outer(2), inner(2);
  std::atomic<int> count{0};
  std::atomic<bool> taken{false};
  outer.run(4, [&](Index, int) {
    // One outside caller at a time holds for the inner pool too.
    while (taken.exchange(true)) std::this_thread::yield();
    inner.run(3, [&](Index, int) { count.fetch_add(1); });
    taken = false;
  });
  CHECK(count.load() == 12);
}

TEST_CASE("ForkJoinPool: a second outside caller is refused") {
  ForkJoinPool pool(2);
  std::string sentence;
  pool.run(2, [&](Index task, int) {
    if (task != 0) return;
    std::thread([&] {
      try {
        pool.run(2, [](Index, int) {});
      } catch (const Error& error) {
        sentence = error.what();
      }
    }).join();
  });
  CHECK(sentence == "ForkJoinPool: run() called by a second thread, expected one caller at a time");
}

TEST_CASE("CpuContext: thread counts that cannot be are refused by name") {
  CHECK_THROWS_WITH_AS(ForkJoinPool(0), "ForkJoinPool: threads = 0, expected at least 1", Error);
  CHECK_THROWS_WITH_AS(CpuContext<ForkJoinPool>(-2),
                       "CpuContext: threads = -2, expected 0 (all cores) or more", Error);
  CHECK(CpuContext<ForkJoinPool>(0).threads() >= 1);
}

TEST_CASE("CpuContext: scratch blocks are aligned, apart from each other, and only ever grow") {
  CpuContext<ForkJoinPool> context(2);
  std::vector<std::byte*> blocks = {context.scratch(0, 100), context.scratch(1, 100),
                                    context.gemm_scratch(0, 100), context.gemm_scratch(1, 100)};
  for (std::byte* block : blocks) CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
  std::sort(blocks.begin(), blocks.end());
  for (std::size_t i = 1; i < blocks.size(); ++i) CHECK(blocks[i] - blocks[i - 1] >= 100);
  std::byte* const large = context.scratch(0, 5000);
  CHECK(context.scratch(0, 100) == large);
  CHECK(context.scratch(0, 5000) == large);
}

TEST_CASE("CpuContext: runs and products allocate nothing once their scratch memory is there") {
  CpuContext<ForkJoinPool> context(3);
  const std::vector<float> a(200 * 300, 0.5f), b(300 * 250, 0.25f);
  std::vector<float> c(200 * 250), d(3 * 40 * 50);
  const auto step = [&] {
    gemm<PackedGemm>(context, Transpose::no, Transpose::no, 200, 250, 300, 1.0f, a.data(), 300,
                     b.data(), 250, 0.0f, c.data(), 250);
    context.parallel(3, [&](Index task, int thread) {
      GemmArguments<float> g;
      g.m = 40, g.n = 50, g.k = 60;
      g.a = a.data(), g.lda = 60;
      g.b = b.data(), g.ldb = 50;
      g.c = d.data() + task * 40 * 50, g.ldc = 50;
      gemm_serial<PackedGemm>(context, thread, g);
    });
  };
  step();
  std::vector<std::byte*> blocks;
  for (int thread = 0; thread < 3; ++thread) blocks.push_back(context.gemm_scratch(thread, 0));
  const long before = allocations.load();
  for (int i = 0; i < 20; ++i) step();
  CHECK(allocations.load() == before);
  for (int thread = 0; thread < 3; ++thread)
    CHECK(context.gemm_scratch(thread, 0) == blocks[static_cast<std::size_t>(thread)]);
  CHECK(c[0] == doctest::Approx(300 * 0.125));
  CHECK(d.back() == doctest::Approx(60 * 0.125));
}
