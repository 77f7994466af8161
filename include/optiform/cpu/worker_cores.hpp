// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Keeps the workers of a pool that takes all cores off each other's core and off the caller's.
///
/// Schedulers that save cores, as of virtual machines, may leave two busy threads on one core for
/// seconds, while another one is idle.
///
/// Contract  the caller's thread is never pinned: where it is found on a worker's core, that worker
///           takes the core the caller has left.
/// Limits    pools of fewer threads than the process has cores are left to the scheduler, since
///           others may want to share the machine; so are systems other than Linux.
class WorkerCores {
 public:
#if defined(__linux__)
  /// To be called by the future caller of runs, once all workers exist.
  void settle(std::vector<std::thread>& workers) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    if (CPU_COUNT(&allowed) != static_cast<int>(workers.size()) + 1) return;
    caller_ = sched_getcpu();
    if (caller_ < 0 || !CPU_ISSET(caller_, &allowed)) return;
    core_.reserve(workers.size());
    for (int core = 0; core_.size() < workers.size(); ++core) {
      if (core == caller_ || !CPU_ISSET(core, &allowed)) continue;
      core_.push_back(core);
      pin(workers[core_.size() - 1], core);
    }
  }

  /// To be called before every run; a system call only where the caller has moved.
  void make_way(std::vector<std::thread>& workers) {
    if (core_.empty()) return;
    const int here = sched_getcpu();
    if (here == caller_) return;
    for (std::size_t i = 0; i < core_.size(); ++i)
      if (core_[i] == here) pin(workers[i], core_[i] = caller_);
    caller_ = here;
  }

 private:
  static void pin(std::thread& worker, int core) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    pthread_setaffinity_np(worker.native_handle(), sizeof one, &one);
  }

  std::vector<int> core_;  ///< of each worker; empty where all is left to the scheduler
  int caller_ = -1;        ///< the core the caller was last seen on
#else
  void settle(std::vector<std::thread>&) {}
  void make_way(std::vector<std::thread>&) {}
#endif
};

OPTIFORM_NAMESPACE_END
