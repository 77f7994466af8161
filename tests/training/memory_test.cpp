// SPDX-License-Identifier: MIT
// What a training run plans to take is what it takes.
#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include <optiform/cpu.hpp>
#include <optiform/training/trainer.hpp>

#include "../support/random_data.hpp"

// Sanitizers bring their own malloc, which cannot be counted.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OPTIFORM_COUNTS_BYTES 0
#elif defined(__has_feature)
#define OPTIFORM_COUNTS_BYTES \
  (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define OPTIFORM_COUNTS_BYTES 1
#endif

#if OPTIFORM_COUNTS_BYTES
// Every Buffer of the process passes here; nothing else of size is allocated.
namespace {
struct Block {
  std::atomic<void*> address{nullptr};
  std::size_t bytes = 0;
};
Block blocks[4096];
std::atomic<long long> live{0};
}  // namespace
extern "C" void* __libc_memalign(std::size_t alignment, std::size_t size);
extern "C" void __libc_free(void* p);
extern "C" int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  void* const p = *memory = __libc_memalign(alignment, size);
  for (Block& block : blocks) {
    void* expected = nullptr;
    if (!block.address.compare_exchange_strong(expected, p)) continue;
    block.bytes = size;
    live += static_cast<long long>(size);
    break;
  }
  return p == nullptr ? ENOMEM : 0;
}
extern "C" void free(void* p) {
  if (p != nullptr)
    for (Block& block : blocks) {
      if (block.address.load(std::memory_order_relaxed) != p) continue;
      live -= static_cast<long long>(block.bytes);
      block.address = nullptr;
      break;
    }
  __libc_free(p);
}
#endif

namespace optiform::testing {
namespace {

constexpr ModelShape shape{.width = 96, .heads = 3, .hidden = 256};
constexpr Index vocabulary = 509, batch = 4, length = 64;
template <class Layers>
using Training =
    typename Trainer<LanguageModel<shape, Layers>, WeightOptimizer<AdamW>>::template on<Cpu, float>;
using Usual = TransformerLayer<TripleMomentum, CausalAttention, Mlp<Gelu>>;

template <class Layers>
Training<Layers> trainer_of(Recompute recompute) {
  return Training<Layers>(
      LanguageModelOptions{
          .vocabulary = vocabulary, .context = length, .layers = {6}, .recompute = recompute},
      {}, {.batch = batch, .length = length, .threads = 2});
}

Index planned(const AnyTrainer& trainer, Purpose purpose) {
  Index sum = 0;
  for (const PlannedMemory& item : trainer.plan(purpose)) sum += item.bytes;
  return sum;
}

}  // namespace

#if OPTIFORM_COUNTS_BYTES
TEST_CASE("Trainer: the plan is within one percent of the memory in use") {
  const auto check = [](auto make) {
    Rng rng(1);
    const auto tokens = ids(rng, batch * length, vocabulary);
    const long long before = live;
    auto trainer = make();
    trainer.allocate(Purpose::training);
    for (int step = 0; step < 2; ++step) {
      trainer.accumulate(tokens.data(), tokens.data());
      trainer.update(1e-3);
    }
    trainer.evaluate(batch, tokens.data(), tokens.data());
    const auto used = static_cast<double>(live - before);
    const auto plan = static_cast<double>(planned(trainer, Purpose::training));
    CHECK(plan == doctest::Approx(used).epsilon(0.01));
  };
  check([] { return trainer_of<Usual>(Recompute::nothing); });
  check([] { return trainer_of<Usual>(Recompute::layers); });
}
#endif

TEST_CASE("Trainer: the largest batch fits and the next one does not") {
  const auto with = [](Index sequences, Recompute recompute) {
    return Training<Usual>(
        LanguageModelOptions{
            .vocabulary = vocabulary, .context = length, .layers = {6}, .recompute = recompute},
        {}, {.batch = sequences, .length = length});
  };
  for (const Purpose purpose : {Purpose::training, Purpose::inference}) {
    const Index budget = 32 << 20;
    const Index largest = with(1, Recompute::nothing).largest_batch(purpose, budget);
    CHECK(largest > 1);
    CHECK(with(7, Recompute::nothing).largest_batch(purpose, budget) == largest);
    CHECK(planned(with(largest, Recompute::nothing), purpose) <= budget);
    CHECK(planned(with(largest + 1, Recompute::nothing), purpose) > budget);
    CHECK(with(1, Recompute::nothing).largest_batch(purpose, 1000) == 0);
  }
  const auto trains = [&](Recompute recompute) {
    return with(1, recompute).largest_batch(Purpose::training, 64 << 20);
  };
  CHECK(trains(Recompute::activations) > trains(Recompute::nothing));
  CHECK(trains(Recompute::layers) > 2 * trains(Recompute::nothing));
}

TEST_CASE("largest_batch: from none to more than anyone wants") {
  const auto linear = [](Index n) { return 10 + 3 * n; };
  CHECK(largest_batch(12, linear) == 0);
  CHECK(largest_batch(13, linear) == 1);
  CHECK(largest_batch(15, linear) == 1);
  CHECK(largest_batch(40, linear) == 10);
  CHECK(largest_batch(-5, linear) == 0);
  CHECK(largest_batch(Index{1} << 62, linear) >= Index{1} << 24);
}

}  // namespace optiform::testing
