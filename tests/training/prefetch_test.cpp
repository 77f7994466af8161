// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <numeric>

#include <optiform/training/prefetch.hpp>

using namespace optiform;

namespace {

/// Tokens 0, 1, 2, ... that take their time, and of which one cannot be read.
struct SlowDisk {
  Index tokens = 1000, bad = -1;
  int microseconds = 0;
  std::atomic<int>* copies = nullptr;

  Index size() const { return tokens; }
  void copy(Index first, Index count, std::int32_t* out) const {
    if (copies != nullptr) ++*copies;
    if (first <= bad && bad < first + count) fail("token ", bad, " cannot be read");
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
    std::iota(out, out + count, static_cast<std::int32_t>(first));
  }
};

std::vector<std::int32_t> counting(int size) {
  std::vector<std::int32_t> text(static_cast<std::size_t>(size));
  std::iota(text.begin(), text.end(), 0);
  return text;
}

bool equal(PrefetchedBatches::Batch batch, TrainingBlocks& blocks, std::int64_t first) {
  std::vector<std::int32_t> tokens(21), targets(21);
  blocks.fill(first, 3, tokens.data(), targets.data());
  return std::equal(tokens.begin(), tokens.end(), batch.tokens) &&
         std::equal(targets.begin(), targets.end(), batch.targets);
}

static_assert(TokenSource<SlowDisk>);
static_assert(!TokenSource<std::vector<std::int32_t>>);

}  // namespace

TEST_CASE("PrefetchedBatches: the batches of TrainingBlocks, ahead or not, in any order") {
  const auto text = counting(1000);
  const SlowDisk disk;
  TrainingBlocks blocks(text, 7, 3);
  PrefetchedBatches near(text, 7, 3, 3), far(disk, 7, 3, 3);
  for (std::int64_t first = 0; first < 600; first += 3) {  // some epochs
    REQUIRE(equal(near(first), blocks, first));
    REQUIRE(equal(far(first), blocks, first));
  }
  for (const std::int64_t first : {0, 300, 303, 303, 9, 6}) {
    CHECK(equal(near(first), blocks, first));
    CHECK(equal(far(first), blocks, first));
  }
}

TEST_CASE(
    "PrefetchedBatches: a batch stays until the next is asked for, which is fetched meanwhile") {
  std::atomic<int> copies{0};
  const SlowDisk disk{.copies = &copies};
  PrefetchedBatches batches(disk, 7, 3, 3);
  TrainingBlocks blocks(disk, 7, 3);
  const auto batch = batches(0);
  while (copies < 12) std::this_thread::yield();  // two copies a sequence, two batches
  CHECK(equal(batch, blocks, 0));
}

TEST_CASE("PrefetchedBatches: waiting for the disk is hidden behind the work") {
  const SlowDisk disk{.microseconds = 500};
  PrefetchedBatches batches(disk, 7, 3, 3);
  batches(0);
  const auto now = [] { return std::chrono::steady_clock::now(); };
  std::chrono::duration<double> waited{0};
  for (std::int64_t step = 1; step <= 20; ++step) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // training
    const auto start = now();
    batches(3 * step);
    waited += now() - start;
  }
  // Six copies a batch: 3 ms; without a thread 60 ms in all.
  CHECK(waited.count() < 0.045);
}

TEST_CASE("PrefetchedBatches: what fails in the background is thrown for that batch only") {
  const SlowDisk disk{.bad = 500};
  PrefetchedBatches batches(disk, 7, 3, 3);
  SlowDisk whole;
  TrainingBlocks blocks(whole, 7, 3);
  int refused = 0;
  for (std::int64_t first = 0; first < 141; first += 3) {
    try {
      const auto batch = batches(first);
      CHECK(equal(batch, blocks, first));
    } catch (const Error& error) {
      CHECK(std::string(error.what()) == "token 500 cannot be read");
      CHECK_THROWS_AS(batches(first), Error);
      ++refused;
    }
  }
  CHECK(refused == 1);
  PrefetchedBatches left_alone(disk, 7, 3, 3);  // ends without having been asked
}

TEST_CASE("TrainingBlocks: from any source the same sequences") {
  const auto text = counting(1000);
  const SlowDisk slow, endless{.tokens = Index{1} << 40};
  TrainingBlocks span(text, 9, 5), disk(slow, 9, 5);
  for (std::int64_t s = 0; s < 500; ++s) CHECK(span.position(s) == disk.position(s));
  CHECK(TokenView(text).first(10).size() == 10);
  CHECK(TokenView(text).first(2000).size() == 1000);
  CHECK_THROWS_WITH_AS(
      TrainingBlocks(endless, 1, 1),
      "the training text has 1099511627776 sequences of 1 tokens; expected fewer than 2147483648",
      Error);
}
