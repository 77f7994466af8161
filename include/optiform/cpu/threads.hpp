// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>
#include <optiform/cpu/worker_cores.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Threads that wait for loops: run(n, f) calls f(0), ..., f(n - 1) and returns when all are done.
///
/// Contract  f(Index task, int thread): a thread begins with its own of threads() equal shares of
///           the tasks, in order, so that successive runs over the same rows find them in the same
///           core's cache; who is done helps the others. No task may wait for another one.
///           `thread` in [0, threads()) is the caller for 0, and no two tasks run at the same time
///           under one number. A run allocates nothing. One outside caller at a time. A run from
///           inside a task of the same pool executes on the spot, under its thread's number.
/// Limits    threads = 1 starts no thread and is a plain loop. The caller never waits for a
///           sleeping thread: tasks it had time for itself are done without help. Who waits spins
///           for some 50 microseconds, then offers its core to others, then sleeps. Workers of a
///           pool as large as the machine are pinned, never the caller: see WorkerCores.
/// Errors    the first exception of a task is rethrown on the caller; tasks not yet begun are
///           dropped. More than 2^32 - 1 tasks, or a second caller: Error.
class ForkJoinPool {
 public:
  explicit ForkJoinPool(int threads) {
    if (threads < 1) fail("ForkJoinPool: threads = ", threads, ", expected at least 1");
    // Spinning pays only while every thread has a core of its own.
    const auto cores = std::thread::hardware_concurrency();
    spins_ = cores == 0 || static_cast<unsigned>(threads) <= cores ? 4000 : 100;
    shares_ = std::make_unique<Share[]>(static_cast<std::size_t>(threads));
    workers_.reserve(static_cast<std::size_t>(threads) - 1);
    try {
      for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
    } catch (...) {
      stop();
      throw;
    }
    cores_.settle(workers_);
  }
  ForkJoinPool(const ForkJoinPool&) = delete;
  ForkJoinPool& operator=(const ForkJoinPool&) = delete;
  ~ForkJoinPool() { stop(); }

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Number of the calling thread inside a task that others run beside, -1 elsewhere.
  int current() const {
    if (!running_.load(std::memory_order_relaxed)) return -1;
    const auto self = std::this_thread::get_id();
    if (self == caller_.load(std::memory_order_relaxed)) return 0;
    for (std::size_t i = 0; i < workers_.size(); ++i)
      if (workers_[i].get_id() == self) return static_cast<int>(i) + 1;
    return -1;
  }

  template <class F>
  void run(Index tasks, F&& f) {
    if (tasks <= 0) return;
    int inside = workers_.empty() || tasks == 1 ? 0 : -1;
    if (const int thread = current(); thread >= 0) inside = thread;
    if (inside >= 0) {
      for (Index task = 0; task < tasks; ++task) f(task, inside);
      return;
    }
    using Function = std::remove_reference_t<F>;
    run_on_all(
        tasks,
        [](void* context, Index task, int thread) {
          (*static_cast<Function*>(context))(task, thread);
        },
        const_cast<void*>(static_cast<const void*>(std::addressof(f))));
  }

 private:
  using Call = void (*)(void*, Index, int);

  // A share counts runs in its upper half and the tasks nobody has taken yet in its lower half.
  // Taking a task is a compare-exchange of the whole, so a thread that wakes up late cannot take
  // one from a run it has not read, and the caller need not wait until everybody has noticed.
  struct alignas(64) Share {
    std::atomic<std::uint64_t> state{0};
  };
  static constexpr std::uint64_t one_run = std::uint64_t{1} << 32;
  static constexpr std::uint64_t remaining(std::uint64_t state) { return state % one_run; }

  /// First task of a thread's share; of thread = threads(), one past the last task of all.
  Index share_begin(Index tasks, int thread) const {
    const Index all = threads(), least = tasks / all, longer = tasks % all;
    return thread * least + std::min<Index>(thread, longer);
  }

  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  /// Passes a moment of waiting; false when it is time to sleep.
  bool spin(int i) const {
    constexpr int yields = 16;
    if (i >= spins_ + yields) return false;
    // Another program, or a worker that was put aside in the middle of a task, may want the core.
    i < spins_ ? pause() : std::this_thread::yield();
    return true;
  }

  std::atomic<std::uint64_t>& share(int thread) {
    return shares_[static_cast<std::size_t>(thread)].state;
  }

  void run_on_all(Index tasks, Call call, void* context) {
    if (static_cast<std::uint64_t>(tasks) >= one_run)
      fail("ForkJoinPool: ", tasks, " tasks, expected fewer than 2^32");
    if (running_.exchange(true, std::memory_order_acquire))
      fail("ForkJoinPool: run() called by a second thread, expected one caller at a time");
    cores_.make_way(workers_);
    caller_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    call_.store(call, std::memory_order_relaxed);
    context_.store(context, std::memory_order_relaxed);
    tasks_.store(tasks, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    const std::uint64_t run = run_.load(std::memory_order_relaxed) + 1;
    for (int i = 0; i < threads(); ++i) {
      const auto count =
          static_cast<std::uint64_t>(share_begin(tasks, i + 1) - share_begin(tasks, i));
      share(i).store(run * one_run + count, std::memory_order_release);
    }
    // Sequentially consistent against a worker that announces its sleep and then looks again.
    run_.store(run);
    if (sleepers_.load() > 0) {
      { const std::lock_guard lock(mutex_); }
      wake_.notify_all();
    }
    take_tasks(0);
    for (int i = 0; done_.load(std::memory_order_acquire) != tasks; ++i) {
      if (spin(i)) continue;
      std::unique_lock lock(mutex_);
      caller_sleeps_.store(true);
      finished_.wait(lock, [&] { return done_.load() == tasks; });
      caller_sleeps_.store(false);
    }
    std::exception_ptr error = std::move(error_);
    error_ = nullptr;
    caller_.store({}, std::memory_order_relaxed);
    running_.store(false, std::memory_order_release);
    if (error) std::rethrow_exception(error);
  }

  /// Takes and executes tasks until none is left, its own first; reports them in one go.
  void take_tasks(int thread) {
    Index finished = 0;
    for (int i = 0; i < threads(); ++i) finished += take_share((thread + i) % threads(), thread);
    if (finished == 0) return;
    done_.fetch_add(finished);
    if (caller_sleeps_.load()) {
      { const std::lock_guard lock(mutex_); }
      finished_.notify_one();
    }
  }

  /// Takes and executes what is left of a share; returns the number of tasks.
  Index take_share(int owner, int thread) {
    Index finished = 0;
    auto state = share(owner).load(std::memory_order_acquire);
    while (remaining(state) > 0) {
      // Valid if the exchange succeeds: the caller writes them only while nothing remains.
      const Call call = call_.load(std::memory_order_relaxed);
      void* const context = context_.load(std::memory_order_relaxed);
      const Index tasks = tasks_.load(std::memory_order_relaxed);
      if (!share(owner).compare_exchange_weak(state, state - 1, std::memory_order_acq_rel,
                                              std::memory_order_acquire))
        continue;
      try {
        call(context, share_begin(tasks, owner + 1) - static_cast<Index>(remaining(state)), thread);
      } catch (...) {
        finished += drop_tasks(std::current_exception());
      }
      ++finished;
      state = share(owner).load(std::memory_order_acquire);
    }
    return finished;
  }

  /// Keeps the first error and takes what remains of the run without executing it.
  Index drop_tasks(std::exception_ptr error) {
    {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::move(error);
    }
    // The run cannot end meanwhile: the failed task has not been reported yet.
    Index dropped = 0;
    for (int i = 0; i < threads(); ++i) {
      auto state = share(i).load(std::memory_order_acquire);
      while (!share(i).compare_exchange_weak(
          state, state - remaining(state), std::memory_order_acq_rel, std::memory_order_acquire)) {
      }
      dropped += static_cast<Index>(remaining(state));
    }
    return dropped;
  }

  void work(int thread) {
    std::uint64_t seen = 0;
    for (;;) {
      for (int i = 0; run_.load(std::memory_order_acquire) == seen; ++i) {
        if (stopping_.load(std::memory_order_relaxed)) return;
        if (spin(i)) continue;
        std::unique_lock lock(mutex_);
        sleepers_.fetch_add(1);
        wake_.wait(lock, [&] { return run_.load() != seen || stopping_.load(); });
        sleepers_.fetch_sub(1);
      }
      seen = run_.load(std::memory_order_acquire);
      take_tasks(thread);
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_.store(true);
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
    workers_.clear();
  }

  alignas(64) std::atomic<std::uint64_t> run_{0};
  std::unique_ptr<Share[]> shares_;
  alignas(64) std::atomic<Index> done_{0};
  alignas(64) std::atomic<Call> call_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<Index> tasks_{0};
  std::atomic<std::thread::id> caller_{};
  std::atomic<bool> running_{false}, stopping_{false}, caller_sleeps_{false};
  std::atomic<int> sleepers_{0};
  int spins_ = 0;
  std::exception_ptr error_;  // guarded by mutex_ while tasks run
  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  std::vector<std::thread> workers_;
  WorkerCores cores_;
};

OPTIFORM_NAMESPACE_END
