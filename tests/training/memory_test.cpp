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
#include "counted_bytes.hpp"

#if OPTIFORM_COUNTS_BYTES
namespace optiform::testing {
std::atomic<long long> live{0}, most{0};
}
using optiform::testing::live, optiform::testing::most;

// Every block of the process of some size passes here.
namespace {
struct Block {
  std::atomic<void*> address{nullptr};
  std::size_t bytes = 0;
};
Block blocks[4096];
std::atomic<int> used{0};  // blocks from here on never held anything

void count(void* p, std::size_t size) {
  if (size < 4096 || p == nullptr) return;
  for (int i = 0; i < 4096; ++i) {
    void* expected = nullptr;
    if (!blocks[i].address.compare_exchange_strong(expected, p)) continue;
    blocks[i].bytes = size;
    for (int end = used; end <= i && !used.compare_exchange_weak(end, i + 1);) continue;
    const long long now = live += static_cast<long long>(size);
    for (long long top = most; top < now && !most.compare_exchange_weak(top, now);) continue;
    return;
  }
}
}  // namespace
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* __libc_memalign(std::size_t alignment, std::size_t size);
extern "C" void __libc_free(void* p);
extern "C" void* malloc(std::size_t size) {
  void* const p = __libc_malloc(size);
  count(p, size);
  return p;
}
extern "C" int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  count(*memory = __libc_memalign(alignment, size), size);
  return *memory == nullptr ? ENOMEM : 0;
}
extern "C" void free(void* p) {
  if (p == nullptr) return;
  for (int i = 0; i < used; ++i) {
    if (blocks[i].address.load(std::memory_order_relaxed) != p) continue;
    live -= static_cast<long long>(blocks[i].bytes);
    blocks[i].address = nullptr;
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
    typename Trainer<LanguageModel<shape, Layers>, ChosenOptimizer>::template on<Cpu, float>;
using Adam = WeightOptimizer<AdamW>;
using Usual = TransformerLayer<TripleMomentum, CausalAttention, Mlp<Gelu>>;

template <class Layers>
Training<Layers> trainer_of(Recompute recompute, const Choice& optimizer = Choice::of<Adam>(),
                            int threads = 2) {
  return Training<Layers>(
      LanguageModelOptions{
          .vocabulary = vocabulary, .context = length, .layers = {6}, .recompute = recompute},
      optimizer, {.batch = batch, .length = length, .threads = threads});
}

Index planned(const AnyTrainer& trainer, Purpose purpose) {
  Index sum = 0;
  for (const PlannedMemory& item : trainer.plan(purpose)) sum += item.bytes;
  return sum;
}

}  // namespace

#if OPTIFORM_COUNTS_BYTES
TEST_CASE("Trainer: the plan is within one percent of the most memory in use") {
  const auto check = [](auto make) {
    Rng rng(1);
    const auto tokens = ids(rng, batch * length, vocabulary);
    Index plan = 0;
    const double most = most_bytes([&] {
      auto trainer = make();
      trainer.allocate(Purpose::training);
      for (int step = 0; step < 2; ++step) {
        trainer.accumulate(tokens.data(), tokens.data());
        trainer.update(1e-3);
      }
      trainer.evaluate(batch, tokens.data(), tokens.data());
      plan = planned(trainer, Purpose::training);
    });
    CHECK(static_cast<double>(plan) == doctest::Approx(most).epsilon(0.01));
  };
  check([] { return trainer_of<Usual>(Recompute::nothing); });
  check([] { return trainer_of<Usual>(Recompute::layers); });
  check([] { return trainer_of<Usual>(Recompute::layers, soap_refreshed_always(), 1); });
}
#endif

TEST_CASE("Trainer: the largest batch fits and the next one does not") {
  const auto with = [](Index sequences, Recompute recompute) {
    return Training<Usual>(
        LanguageModelOptions{
            .vocabulary = vocabulary, .context = length, .layers = {6}, .recompute = recompute},
        Choice::of<Adam>(), {.batch = sequences, .length = length});
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
