// SPDX-License-Identifier: MIT
#pragma once

#if !defined(_OPENMP)
#error "optiform: cpu/openmp.hpp needs the compiler's OpenMP flag; link optiform::openmp"
#endif

#include <omp.h>

#include <atomic>
#include <exception>
#include <mutex>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The threads of OpenMP, for programs that use it anyway: BasicCpu<PackedGemm, OpenMpThreads>.
///
/// Contract  that of ForkJoinPool, and the same results to the bit. Tasks are handed out as OpenMP
///           pleases. Only who links the component `openmp` compiles with an OpenMP flag.
/// Limits    inside a parallel region of the user's own, OpenMP gives one thread unless nesting
///           is on.
/// Errors    as ForkJoinPool.
class OpenMpThreads {
 public:
  explicit OpenMpThreads(int threads) : threads_(threads) {
    if (threads < 1) fail("OpenMpThreads: threads = ", threads, ", expected at least 1");
  }
  OpenMpThreads(const OpenMpThreads&) = delete;
  OpenMpThreads& operator=(const OpenMpThreads&) = delete;

  int threads() const { return threads_; }

  /// Number of the calling thread inside a task that others run beside, -1 elsewhere.
  int current() const {
    const bool inside = running_.load(std::memory_order_relaxed) && omp_in_parallel() != 0;
    return inside ? omp_get_thread_num() : -1;
  }

  template <class F>
  void run(Index tasks, F&& f) {
    if (tasks <= 0) return;
    int inside = threads_ == 1 || tasks == 1 ? 0 : -1;
    if (const int thread = current(); thread >= 0) inside = thread;
    if (inside >= 0) {
      for (Index task = 0; task < tasks; ++task) f(task, inside);
      return;
    }
    if (running_.exchange(true))
      fail("OpenMpThreads: run() called by a second thread, expected one caller at a time");
    std::atomic<bool> failed{false};
    std::exception_ptr error;
    std::mutex mutex;
#pragma omp parallel for num_threads(threads_) schedule(nonmonotonic : dynamic)
    for (Index task = 0; task < tasks; ++task) {
      if (failed.load(std::memory_order_relaxed)) continue;
      try {
        f(task, omp_get_thread_num());
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        failed.store(true, std::memory_order_relaxed);
      }
    }
    running_.store(false);
    if (error) std::rethrow_exception(error);
  }

 private:
  int threads_;
  std::atomic<bool> running_{false};
};

OPTIFORM_NAMESPACE_END
