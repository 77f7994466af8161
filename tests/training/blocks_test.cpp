// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <numeric>
#include <set>

#include <optiform/training/blocks.hpp>

using namespace optiform;

namespace {

/// Token i has the value i, so that a token tells its position.
std::vector<std::int32_t> counting(int size) {
  std::vector<std::int32_t> text(static_cast<std::size_t>(size));
  std::iota(text.begin(), text.end(), 0);
  return text;
}

TEST_CASE("TrainingBlocks: an epoch visits every block once, in a shuffled order") {
  const auto text = counting(10 * 8 + 1);
  TrainingBlocks blocks(text, 8, 42);
  std::vector<Index> starts;
  for (int i = 0; i < 10; ++i) {
    CHECK(blocks.epoch(i) == 0);
    starts.push_back(blocks.position(i));
  }
  CHECK(!std::is_sorted(starts.begin(), starts.end()));
  std::sort(starts.begin(), starts.end());
  for (Index i = 0; i < 10; ++i) CHECK(starts[static_cast<std::size_t>(i)] == 8 * i);
  CHECK(blocks.epoch(10) == 1);
}

TEST_CASE("TrainingBlocks: targets are the inputs moved by one token") {
  const auto text = counting(100);
  TrainingBlocks blocks(text, 7, 1);
  std::vector<std::int32_t> tokens(21), targets(21);
  blocks.fill(5, 3, tokens.data(), targets.data());
  for (std::size_t i = 0; i < 21; ++i) CHECK(targets[i] == tokens[i] + 1);
  for (std::size_t i = 0; i < 20; ++i)
    if (i % 7 != 6) CHECK(tokens[i + 1] == tokens[i] + 1);
}

TEST_CASE("TrainingBlocks: later epochs are shifted by different offsets and stay inside") {
  const auto text = counting(50 * 16 + 9);
  TrainingBlocks blocks(text, 16, 3);
  std::set<Index> offsets;
  for (std::int64_t s = 0; s < 2000; ++s) {
    const Index at = blocks.position(s);
    REQUIRE(at >= 0);
    REQUIRE(at + 16 < static_cast<Index>(text.size()));
    offsets.insert(at % 16);
    if (blocks.epoch(s) == 0) CHECK(at % 16 == 0);
  }
  CHECK(offsets.size() > 8);
}

TEST_CASE("TrainingBlocks: a batch depends on its number only, wherever one starts") {
  const auto text = counting(1000);
  TrainingBlocks walked(text, 9, 5), jumped(text, 9, 5), other_seed(text, 9, 6);
  std::vector<Index> order;
  for (std::int64_t s = 0; s < 1200; ++s) order.push_back(walked.position(s));
  Rng rng(2);
  int different = 0;
  for (int i = 0; i < 300; ++i) {
    const auto s = static_cast<std::size_t>(rng.below(1200));
    CHECK(jumped.position(static_cast<std::int64_t>(s)) == order[s]);
    different += other_seed.position(static_cast<std::int64_t>(s)) != order[s];
  }
  CHECK(different > 250);
}

TEST_CASE("TrainingBlocks: the smallest text is one block, again and again") {
  const auto text = counting(5);
  TrainingBlocks blocks(text, 4, 9);
  for (std::int64_t s = 0; s < 20; ++s) CHECK(blocks.position(s) == 0);
}

TEST_CASE("TrainingBlocks: a text shorter than a block is refused with both numbers") {
  const auto text = counting(8);
  CHECK_THROWS_WITH_AS(TrainingBlocks(text, 8, 1),
                       "sequence length 8 needs a training text of at least 9 tokens; it has 8",
                       Error);
  CHECK_THROWS_AS(TrainingBlocks(text, 0, 1), Error);
}

TEST_CASE("ValidationBlocks: the first blocks in order, at most as many as asked for") {
  const auto text = counting(101);
  const ValidationBlocks some(text, 10, 4), all(text, 10, 100);
  CHECK(some.count == 4);
  CHECK(all.count == 10);
  for (Index i = 0; i < 10; ++i) {
    CHECK(all.tokens(i)[0] == 10 * i);
    CHECK(all.targets(i)[9] == 10 * i + 10);
  }
  CHECK_THROWS_AS(ValidationBlocks(text, 101, 1), Error);
  CHECK_THROWS_AS(ValidationBlocks(text, 10, 0), Error);
}

}  // namespace
