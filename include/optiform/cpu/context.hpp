// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/cpu/packed_table.hpp>
#include <optiform/cpu/threads.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What CPU kernels need at run time: threads, and scratch memory that grows on first use only.
///
/// Contract  not copyable; used by one outside thread at a time. Each scratch function owns one
///           block per thread number; a call invalidates what the same function gave that thread
///           before. Blocks start at a multiple of 64 bytes; their contents are undefined.
///           Threads: a type with Threads(int), threads(), current() and run(tasks, f) as in
///           ForkJoinPool.
template <class Threads>
class CpuContext {
 public:
  /// threads = 0 takes all cores.
  explicit CpuContext(int threads = 0)
      : threads_(threads_of(threads)),
        scratch_(static_cast<std::size_t>(threads_.threads())),
        gemm_scratch_(static_cast<std::size_t>(threads_.threads())) {}
  CpuContext(const CpuContext&) = delete;
  CpuContext& operator=(const CpuContext&) = delete;

  int threads() const { return threads_.threads(); }
  /// What threads() of CpuContext(threads) is.
  static int threads_of(int threads) {
    if (threads < 0) fail("CpuContext: threads = ", threads, ", expected 0 (all cores) or more");
    if (threads > 0) return threads;
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }

  /// Number of the calling thread inside a task that others run beside, -1 elsewhere.
  int current() const { return threads_.current(); }

  /// Calls f(Index task, int thread) for every task in [0, tasks) and waits for all of them.
  /// Afterwards every thread has as much scratch memory as any of them took, so that which thread
  /// takes which task next time never decides when memory grows.
  template <class F>
  void parallel(Index tasks, F&& f) {
    threads_.run(tasks, std::forward<F>(f));
    if (threads() == 1 || current() >= 0) return;
    level(scratch_);
    level(gemm_scratch_);
  }

  /// Makes sure that scratch() of every thread holds `bytes`, so that which thread takes which task
  /// never decides when memory grows. To be called before the tasks that use it are handed out.
  void reserve_scratch(Index bytes) {
    if (current() >= 0) return;  // others may be using theirs
    for (Buffer<std::byte>& block : scratch_) grown(block, bytes);
  }

  /// Bytes of all scratch memory, which stay the same once every kernel has run.
  Index scratch_bytes() const {
    Index sum = shared_scratch_.size();
    for (const Buffer<std::byte>& block : scratch_) sum += block.size();
    for (const Buffer<std::byte>& block : gemm_scratch_) sum += block.size();
    return sum;
  }

  /// Memory of one kernel on one thread.
  std::byte* scratch(int thread, Index bytes) {
    return grown(scratch_[static_cast<std::size_t>(thread)], bytes);
  }

  /// Memory of matrix products on one thread, apart from scratch(): kernels may call
  /// gemm_serial() while they hold the other.
  std::byte* gemm_scratch(int thread, Index bytes) {
    return grown(gemm_scratch_[static_cast<std::size_t>(thread)], bytes);
  }

  /// Memory of one threaded kernel, filled and read by all threads.
  std::byte* shared_scratch(Index bytes) { return grown(shared_scratch_, bytes); }

  /// Weights that products find packed, or null; set by PackedWeights::use.
  const detail::PackedTable* packed() const { return packed_; }
  const detail::PackedTable* exchange_packed(const detail::PackedTable* table) {
    return std::exchange(packed_, table);
  }

 private:
  static void level(std::vector<Buffer<std::byte>>& blocks) {
    Index largest = 0;
    for (const auto& block : blocks) largest = std::max(largest, block.size());
    for (auto& block : blocks) grown(block, largest);
  }
  static std::byte* grown(Buffer<std::byte>& block, Index bytes) {
    if (block.size() < bytes) block.reset(bytes);
    return block.data();
  }

  Threads threads_;
  std::vector<Buffer<std::byte>> scratch_, gemm_scratch_;
  Buffer<std::byte> shared_scratch_;
  const detail::PackedTable* packed_ = nullptr;
};

OPTIFORM_NAMESPACE_END
