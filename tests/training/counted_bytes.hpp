// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include <optiform/cpu/backend.hpp>
#include <optiform/training/chosen_optimizer.hpp>

// Sanitizers bring their own malloc, which cannot be counted.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OPTIFORM_COUNTS_BYTES 0
#elif defined(__has_feature)
#define OPTIFORM_COUNTS_BYTES \
  (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define OPTIFORM_COUNTS_BYTES 1
#endif

namespace optiform::testing {

/// Bytes in use now, and the most so far, of blocks of 4 KiB or more; counted in memory_test.cpp.
extern std::atomic<long long> live, most;

/// The most bytes that f() has in use at a time beyond those in use before.
template <class F>
double most_bytes(F&& f) {
  const long long before = most = live.load();
  f();
  return static_cast<double>(most - before);
}

using Choice = OptimizerChoice<Cpu, float>;
/// SOAP with a new basis in every step, compiled once.
Choice soap_refreshed_always();

}  // namespace optiform::testing
