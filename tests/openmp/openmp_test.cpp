// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <optiform/cpu.hpp>
#include <optiform/cpu/openmp.hpp>

#include "../support/random_data.hpp"

using namespace optiform;

namespace {

using Model = LanguageModel<ModelShape{.width = 24, .heads = 3, .hidden = 40},
                            TransformerLayer<TripleMomentum, CausalAttention, Mlp<Gelu>>>;

/// The parameters after three steps of training.
template <class Threads>
std::vector<float> train(int threads) {
  using Backend = BasicCpu<PackedGemm, Threads>;
  Model::on<Backend, float> model({.vocabulary = 67, .context = 33, .layers = {2}});
  WeightOptimizer<AdamW>::on<Backend, float> optimizer(model.parameters());
  context_t<Backend> context(threads);
  auto workspace = model.workspace(5, 33, Pass::training);
  Buffer<float> values(model.parameters().total()), gradients(values.size());
  model.initialise(values.data(), 1);
  Rng rng(2);
  const auto tokens = testing::ids(rng, 5 * 33, 67), targets = testing::ids(rng, 5 * 33, 67);
  for (int step = 0; step < 3; ++step) {
    kernels<Backend>::fill(context, gradients.size(), 0.0f, gradients.data());
    model.loss_and_gradients(context, values.data(), workspace, tokens.data(), targets.data(),
                             gradients.data());
    optimizer.step(context, values.data(), gradients.data(), 1, 1e-2);
  }
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("OpenMpThreads: every task runs once, under a thread number that exists") {
  for (const int count : {1, 2, 3}) {
    OpenMpThreads threads(count);
    CHECK(threads.threads() == count);
    for (const Index tasks : {Index(0), Index(1), Index(2), Index(1000)}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
      std::atomic<int> strangers{0}, wrong{0};
      threads.run(tasks, [&](Index task, int thread) {
        runs[static_cast<std::size_t>(task)].fetch_add(1);
        if (thread < 0 || thread >= count) strangers.fetch_add(1);
        if (tasks > 1) threads.run(2, [&](Index, int inner) { wrong.fetch_add(inner != thread); });
      });
      for (const auto& run : runs) CHECK(run.load() == 1);
      CHECK(strangers.load() == 0);
      CHECK(wrong.load() == 0);
    }
    CHECK(threads.current() == -1);
  }
}

TEST_CASE("OpenMpThreads: an exception reaches the caller, who may go on") {
  OpenMpThreads threads(2);
  for (int round = 0; round < 20; ++round) {
    CHECK_THROWS_WITH_AS(threads.run(50,
                                     [](Index task, int) {
                                       if (task == 3) throw std::runtime_error("task 3");
                                     }),
                         "task 3", std::runtime_error);
    std::atomic<int> count{0};
    threads.run(20, [&](Index, int) { count.fetch_add(1); });
    CHECK(count.load() == 20);
  }
}

TEST_CASE("OpenMpThreads: bad use is refused by name") {
  CHECK_THROWS_WITH_AS(OpenMpThreads(0), "OpenMpThreads: threads = 0, expected at least 1", Error);
  OpenMpThreads threads(2);
  std::string sentence;
  threads.run(2, [&](Index task, int) {
    if (task != 0) return;
    std::thread([&] {
      try {
        threads.run(2, [](Index, int) {});
      } catch (const Error& error) {
        sentence = error.what();
      }
    }).join();
  });
  CHECK(sentence ==
        "OpenMpThreads: run() called by a second thread, expected one caller at a time");
}

TEST_CASE("Threads: one, two and three of either type give the same bits") {
  const auto expected = train<ForkJoinPool>(1);
  CHECK(expected != std::vector<float>(expected.size(), expected[0]));
  for (const int count : {1, 2, 3}) {
    CHECK(train<ForkJoinPool>(count) == expected);
    CHECK(train<OpenMpThreads>(count) == expected);
  }
}
