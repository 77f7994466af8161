// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include <optiform/training/blocks.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The batches of TrainingBlocks, each fetched while the one before is trained on.
///
///   PrefetchedBatches batches(shards, length, batch, seed);
///   const auto now = batches(step * batch);          // now.tokens, now.targets
///
/// Shapes    tokens, targets: [batch, length], valid until the next call.
/// Contract  the tokens of TrainingBlocks::fill, in any order of calls; fetched ahead is the batch
///           that follows. A steady run allocates nothing. One caller at a time.
/// Limits    tokens that are in memory already are copied by the caller: no thread would help.
/// Errors    what goes wrong in the background is thrown by the call that asks for that batch.
class PrefetchedBatches {
 public:
  struct Batch {
    const std::int32_t *tokens, *targets;
  };

  PrefetchedBatches(TokenView text, Index length, Index batch, std::uint64_t seed)
      : blocks_(text, length, seed), batch_(batch), ahead_(!text.in_memory()) {
    for (Slot& slot : slots_) {
      slot.tokens.resize(static_cast<std::size_t>(batch * length));
      slot.targets.resize(slot.tokens.size());
      if (!ahead_) break;
    }
    if (ahead_) worker_ = std::thread([this] { work(); });
  }
  PrefetchedBatches(const PrefetchedBatches&) = delete;
  PrefetchedBatches& operator=(const PrefetchedBatches&) = delete;
  ~PrefetchedBatches() {
    if (!ahead_) return;
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    worker_.join();
  }

  /// Sequences first .. first + batch - 1 of the run.
  Batch operator()(std::int64_t first) {
    if (!ahead_) {
      fill(slots_[0], first);
      return slots_[0].batch();
    }
    std::unique_lock lock(mutex_);
    wait_for_worker(lock);
    if (slots_[next_].first != first) {
      request(first);
      wait_for_worker(lock);
    }
    Slot& slot = slots_[next_];
    if (slot.fault) {
      slot.first = -1;  // asked again, it is tried again
      std::rethrow_exception(slot.fault);
    }
    next_ = 1 - next_;
    request(first + batch_);
    return slot.batch();
  }

 private:
  struct Slot {
    std::vector<std::int32_t> tokens, targets;
    std::int64_t first = -1;
    std::exception_ptr fault;
    Batch batch() const { return {tokens.data(), targets.data()}; }
  };

  void fill(Slot& slot, std::int64_t first) {
    blocks_.fill(first, batch_, slot.tokens.data(), slot.targets.data());
  }
  void wait_for_worker(std::unique_lock<std::mutex>& lock) {
    changed_.wait(lock, [this] { return !requested_; });
  }
  void request(std::int64_t first) {
    slots_[next_].first = first;
    slots_[next_].fault = nullptr;
    requested_ = true;
    changed_.notify_all();
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return requested_ || stop_; });
      if (stop_) return;
      Slot& slot = slots_[next_];
      lock.unlock();
      try {
        fill(slot, slot.first);
      } catch (...) {
        slot.fault = std::current_exception();
      }
      lock.lock();
      requested_ = false;
      changed_.notify_all();
    }
  }

  TrainingBlocks blocks_;
  Index batch_;
  bool ahead_;
  Slot slots_[2];
  std::size_t next_ = 0;  // the slot that is fetched, or will be
  bool requested_ = false, stop_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread worker_;
};

OPTIFORM_NAMESPACE_END
