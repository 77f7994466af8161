// SPDX-License-Identifier: MIT
// A steady step of any optimizer allocates nothing.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include <optiform/cpu/orthonormal_basis.hpp>

#include "../support/weights.hpp"

// Every allocation of this executable by operator new is counted, on all threads.
namespace {
std::atomic<long> allocations{0};
}
__attribute__((noinline)) void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
__attribute__((noinline)) void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}
__attribute__((noinline)) void operator delete(void* p) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace optiform::testing {
namespace {

template <class Optimizer>
long allocated_in_steps() {
  Weights<Optimizer, Cpu, float> w(table_of_all_roles(),
                                   Weights<Optimizer, Cpu, float>::On::defaults(), 2);
  Rng rng(1);
  const auto step = [&] {
    w.optimizer.step_and_clear(w.context, w.values.data(), w.gradients.data(), 1, 1e-3);
    w.gradients[3] = 1;
  };
  w.gradients = normal<float>(rng, w.table.total());
  for (int i = 0; i < 3; ++i) step();
  const long before = allocations;
  for (int i = 0; i < 5; ++i) step();
  return allocations - before;
}

}  // namespace

TEST_CASE("steady steps allocate nothing") {
  using Adam = WeightOptimizer<AdamW>;
  CHECK(allocated_in_steps<Adam>() == 0);
  CHECK(allocated_in_steps<WeightOptimizer<Nesterov>>() == 0);
  CHECK(allocated_in_steps<WeightOptimizer<NAdam>>() == 0);
  CHECK(allocated_in_steps<HybridOptimizer<MuonOptimizer<>, Adam>>() == 0);
  CHECK(allocated_in_steps<HybridOptimizer<SoapOptimizer, WeightOptimizer<Lion>>>() == 0);
  CHECK(allocated_in_steps<HybridOptimizer<ShampooOptimizer, Adam>>() == 0);
  CHECK(allocated_in_steps<SharpnessAware<Adam>>() == 0);
}

}  // namespace optiform::testing
