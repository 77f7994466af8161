// SPDX-License-Identifier: MIT
#pragma once

#if defined(__linux__)
#include <dirent.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#endif

namespace bench {

/// Puts the calling thread on the first core the process may use and all its other threads on the
/// second: for comparisons in two threads, whichever pool they come from. A scheduler may leave two
/// threads on one core for seconds, which then decides who looks faster.
inline void pin_two_threads() {
#if defined(__linux__)
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    return set;
  }();
  if (CPU_COUNT(&allowed) < 2) return;
  cpu_set_t core[2];
  int found = 0;
  for (int cpu = 0; found < 2; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_ZERO(&core[found]);
    CPU_SET(cpu, &core[found++]);
  }
  DIR* const tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return;
  const pid_t self = gettid();
  while (const dirent* const task = readdir(tasks))
    if (const pid_t thread = std::atoi(task->d_name); thread > 0)
      sched_setaffinity(thread, sizeof core[0], &core[thread == self ? 0 : 1]);
  closedir(tasks);
#endif
}

}  // namespace bench
