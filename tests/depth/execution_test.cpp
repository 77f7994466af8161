// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include <optiform/cpu.hpp>

#include "../support/tiny_model.hpp"

// Sanitizers bring their own malloc, which cannot be counted.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OPTIFORM_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#define OPTIFORM_COUNTS_ALLOCATIONS \
  (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define OPTIFORM_COUNTS_ALLOCATIONS 1
#endif

#if OPTIFORM_COUNTS_ALLOCATIONS
// Every allocation of the process, ours or the standard library's, passes here.
namespace {
std::atomic<long> allocations{0};
}
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* malloc(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
extern "C" void* __libc_memalign(std::size_t alignment, std::size_t size);
extern "C" int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
#endif

namespace optiform::testing {
namespace {

inline constexpr ModelShape shape{.width = 24, .heads = 3, .hidden = 40};
template <class R>
using Of = LanguageModel<shape, TransformerLayer<R, CausalAttention, Mlp<Gelu>>>;
using Model = Of<TripleMomentum>;

struct Outcome {
  double loss;
  std::vector<float> values;
  bool operator==(const Outcome&) const = default;
};

/// Muon for the matrices, AdamW for the rest: every kind of step there is.
using Optimizer = HybridOptimizer<MuonOptimizer<>, WeightOptimizer<AdamW>>::on<Cpu, float>;

/// Three whole steps of training on so many threads.
template <class R>
Outcome train(int threads) {
  typename Of<R>::template on<Cpu, float> model({.vocabulary = 67, .context = 33, .layers = {2}});
  Optimizer optimizer(model.parameters());
  context_t<Cpu> context(threads);
  auto workspace = model.workspace(5, 33, Pass::training);
  Buffer<float> values(model.parameters().total()), gradients(values.size());
  model.initialise(values.data(), 1);
  Rng rng(2);
  const auto tokens = ids(rng, 5 * 33, 67), targets = ids(rng, 5 * 33, 67);
  double loss = 0;
  for (int step = 0; step < 3; ++step) {
    kernels<Cpu>::fill(context, gradients.size(), 0.0f, gradients.data());
    loss = model.loss_and_gradients(context, values.data(), workspace, tokens.data(),
                                    targets.data(), gradients.data());
    const double norm = kernels<Cpu>::sum_of_squares(context, gradients.size(), gradients.data());
    optimizer.step(context, values.data(), gradients.data(), 1 / (1 + norm), 1e-2);
  }
  return {loss, std::vector<float>(values.begin(), values.end())};
}

}  // namespace

TEST_CASE_TEMPLATE("training is bit-equal on one, two and three threads", R, TripleMomentum, Soap) {
  const Outcome one = train<R>(1);
  CHECK(train<R>(1) == one);
  CHECK(train<R>(2) == one);
  CHECK(train<R>(3) == one);
}

#if OPTIFORM_COUNTS_ALLOCATIONS
TEST_CASE_TEMPLATE("a training step allocates nothing", R, TripleMomentum, Soap) {
  typename Of<R>::template on<Cpu, float> model({.vocabulary = 67, .context = 33, .layers = {2}});
  Optimizer optimizer(model.parameters());
  context_t<Cpu> context(2);
  auto workspace = model.workspace(4, 33, Pass::training);
  Buffer<float> values(model.parameters().total()), gradients(values.size());
  model.initialise(values.data(), 1);
  Rng rng(2);
  const auto tokens = ids(rng, 4 * 33, 67), targets = ids(rng, 4 * 33, 67);
  const auto step = [&] {
    kernels<Cpu>::fill(context, gradients.size(), 0.0f, gradients.data());
    model.loss_and_gradients(context, values.data(), workspace, tokens.data(), targets.data(),
                             gradients.data());
    kernels<Cpu>::sum_of_squares(context, gradients.size(), gradients.data());
    optimizer.step(context, values.data(), gradients.data(), 1, 1e-3);
  };
  const long before_warm_up = allocations.load();
  step();  // scratch grows on first use
  CHECK(allocations.load() > before_warm_up);
  const long before = allocations.load();
  for (int i = 0; i < 5; ++i) step();
  CHECK(allocations.load() == before);
}

TEST_CASE_TEMPLATE("a token more allocates nothing", R, TripleMomentum, Soap) {
  typename Of<R>::template on<Cpu, float> model({.vocabulary = 67, .context = 300, .layers = {2}});
  context_t<Cpu> context(2);
  Buffer<float> values(model.parameters().total());
  model.initialise(values.data(), 1);
  typename decltype(model)::Decoder decoder(model, 3, 300);
  std::vector<float> logits(3 * 67);
  const std::int32_t tokens[] = {1, 2, 3};
  const auto step = [&] { decoder.step(context, values.data(), tokens, logits.data()); };
  step();  // scratch grows on first use
  const long before = allocations.load();
  for (int i = 1; i < 150; ++i) step();
  CHECK(allocations.load() == before);
  decoder.pack(values.data());
  const long packed = allocations.load();
  CHECK(packed > before);
  for (int i = 150; i < 300; ++i) step();
  CHECK(allocations.load() == packed);
}
#endif

TEST_CASE("Cpu and Reference agree on a whole model") {
  const auto compare = [](auto& cpu, auto& reference, double bound) {
    cpu.copy_from(reference);
    CHECK(cpu.loss_and_gradients() ==
          doctest::Approx(reference.loss_and_gradients()).epsilon(bound));
    const std::vector<double> got(cpu.gradients.begin(), cpu.gradients.end());
    const std::vector<double> expected(reference.gradients.begin(), reference.gradients.end());
    CHECK(relative_error(got, expected) < bound);
    CHECK(relative_error(cpu.logits(), reference.logits()) < bound);
  };
  TinyModel<Model, Reference, double> reference;
  TinyModel<Model, Cpu, double> in_double;
  TinyModel<Model, Cpu, float> in_float;
  compare(in_double, reference, 1e-12);
  compare(in_float, reference, 2e-5);
}

TEST_CASE_TEMPLATE("evaluation in two states equals the training pass, and shorter sequences fit",
                   R, TripleMomentum, Soap) {
  typename Of<R>::template on<Cpu, float> model({.vocabulary = 19, .context = 12, .layers = {3}});
  context_t<Cpu> context(1);
  Buffer<float> values(model.parameters().total());
  model.initialise(values.data(), 9);
  Rng rng(3);
  const auto tokens = ids(rng, 2 * 12, 19);
  auto evaluation = model.workspace(2, 12, Pass::evaluation);
  auto training = model.workspace(2, 12, Pass::training);
  CHECK(model.plan(2, 12, Pass::evaluation).bytes() < model.plan(2, 12, Pass::training).bytes());
  CHECK(model.loss(context, values.data(), evaluation, tokens.data(), tokens.data()) ==
        model.loss(context, values.data(), training, tokens.data(), tokens.data()));
  std::vector<float> all(2 * 12 * 19), last(19);
  model.logits(context, values.data(), evaluation, tokens.data(), all.data());
  evaluation.resize(1, 7);
  model.next_token_logits(context, values.data(), evaluation, tokens.data(), last.data());
  for (std::size_t i = 0; i < 19; ++i)
    CHECK(last[i] == doctest::Approx(all[6 * 19 + i]).epsilon(1e-5));
}

TEST_CASE("the plan is what a workspace takes") {
  Model::on<Cpu, float> model({.vocabulary = 19, .context = 12, .layers = {3}});
  const MemoryPlan plan = model.plan(3, 11, Pass::training);
  Index sum = 0;
  for (const auto& entry : plan.entries()) {
    CHECK(entry.offset % memory_alignment == 0);
    CHECK(entry.offset >= sum);
    sum = entry.offset + entry.bytes;
  }
  CHECK(plan.bytes() >= sum);
  CHECK(plan.bytes() - sum < memory_alignment);
}

TEST_CASE("impossible sizes are refused in one sentence") {
  using On = Model::on<Cpu, float>;
  const auto message_of = [](auto&& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  CHECK(message_of([] { On({.vocabulary = 0}); }) == "vocabulary = 0, expected at least 1");
  CHECK(message_of([] { On({.layers = {}}); }) ==
        "layers has 0 entries, expected one per stack (1)");
  CHECK(message_of([] { On({.layers = {0}}); }) == "layers = 0, expected at least 1");
  CHECK(message_of([] {
          On({.coefficients = {{"betta", 0.5}}});
        }) == "coefficient 'betta' is not one of the model's rules, a rate being 1 in depth");
  CHECK(message_of([] {
          LanguageModel<shape, TransformerLayer<GradientDescent, CausalAttention, Mlp<Gelu>>>::on<
              Cpu, float>({.coefficients = {{"gamma", 0.5}}});
        }) == "coefficient 'gamma' is not one of the model's rules, a rate being 1 in depth");
  CHECK(message_of([] {
          On({.coefficients = {{"beta", 1.5}}});
        }) == "coefficient 'beta' = 1.5, expected a value between 0 and 1");
  const On model({.vocabulary = 7, .context = 4, .layers = {1}});
  CHECK(message_of([&] { model.workspace(1, 5, Pass::training); }) ==
        "length = 5, expected 1 to the model's context of 4");
  auto workspace = model.workspace(1, 4, Pass::evaluation);
  context_t<Cpu> context(1);
  Buffer<float> values(model.parameters().total());
  const std::int32_t bad[] = {0, 1, 7, 2};
  CHECK(message_of([&] { model.loss(context, values.data(), workspace, bad, bad); }) ==
        "target 2 is 7, expected 0 to 6");
  const std::int32_t good[] = {0, 1, 6, 2};
  CHECK(message_of([&] {
          model.loss_and_gradients(context, values.data(), workspace, good, good, values.data());
        }) == "loss_and_gradients needs a workspace planned for Pass::training");
}

}  // namespace optiform::testing
