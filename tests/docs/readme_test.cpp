// SPDX-License-Identifier: MIT
// The example of README.md, compiled and run.
// [readme]
#include <optiform/cpu.hpp>
using namespace optiform;

// A rule: where to ask the oracle, and what to do with its answer. The backward pass is derived.
struct LookAhead : Rule {
  Row v = stream("velocity");
  Scalar mu = unit("mu", 0.5), beta = unit("beta", 0.9), gamma = positive("gamma", 0.7);

  constexpr Row query() const { return x + mu * v; }
  constexpr void step(Row g) {
    v = normalise(beta * v + gamma * g);
    x += v;
  }
};

// A layer is one step per oracle; a model is a shape and layers; a rule also trains the weights.
inline constexpr ModelShape shape{.width = 192, .heads = 3, .hidden = 768};
using Block = Layer<ResidualBlock<LookAhead, CausalAttention>, ResidualBlock<LookAhead, Mlp<Gelu>>>;
using Model = LanguageModel<shape, Block>::on<Cpu, float>;
using Train = WeightOptimizer<AdamW>::on<Cpu, float>;
// [readme]
#include <doctest/doctest.h>

#include <optiform/environments/tabular/library.hpp>
#include <optiform/rollout.hpp>
#include <optiform/tabular.hpp>

// The rule of the first example trains weights as well as it makes layers.
static_assert(sizeof(WeightOptimizer<LookAhead>::on<Cpu, float>) > 0);

namespace {
// [policies]
using Apg = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, ValueRestart>;
using Npg = PolicyOptimizer<NaturalPolicyGradient, ExactCritic>;
using Ppo = PolicyOptimizer<Hinge<Ratio>, GaeCritic, EntropyBonus, ClippedGradientNorm>;

using OnTable = Apg::on<SoftmaxTable, TabularMdp<5, 5>, Cpu>;
using OnNetwork = Ppo::on<NetworkPolicy<64, 64>, CartPole, Cpu, float>;
// [policies]
}  // namespace

TEST_CASE("the policy optimizers of the README improve their policies") {
  const TabularMdp<5, 5> mdp(named_mdp("5s5a"));
  context_t<Cpu> context(1);
  OnTable accelerated(mdp, context, {.improvement = apg_options(mdp)});
  Npg::on<SoftmaxTable, TabularMdp<5, 5>, Cpu> natural(mdp, context,
                                                       {.improvement = {.step = 1.0}});
  for (int i = 0; i < 1000; ++i) accelerated.step(), natural.step();
  CHECK(accelerated.objective() == doctest::Approx(7.97355394013).epsilon(1e-11));
  CHECK(natural.gap() < 1e-9);
  OnNetwork::Options options;
  options.improvement.learning_rate = 1e-3;
  options.critic.value.learning_rate = 1e-3;
  OnNetwork ppo(context, options);
  for (int i = 0; i < 3; ++i) ppo.step();
  CHECK(ppo.critic().runner().steps() > 0);
}

TEST_CASE("the model of the README has its rule's streams and coefficients, and learns") {
  Model model({.vocabulary = 16, .context = 8, .layers = {1}});
  CHECK(model.parameters().find("velocity_tok_emb.weight") != nullptr);
  CHECK(model.parameters().find("layers.0.beta_mlp_raw") != nullptr);
  Train optimizer(model.parameters());
  context_t<Cpu> context(1);
  auto workspace = model.workspace(1, 8, Pass::training);
  Buffer<float> values(model.parameters().total()), gradients(values.size());
  model.initialise(values.data(), 1);
  const std::int32_t tokens[] = {3, 1, 4, 1, 5, 9, 2, 6}, targets[] = {1, 4, 1, 5, 9, 2, 6, 5};
  double first = 0, last = 0;
  for (int step = 0; step < 20; ++step) {
    kernels<Cpu>::fill(context, gradients.size(), 0.0f, gradients.data());
    last = model.loss_and_gradients(context, values.data(), workspace, tokens, targets,
                                    gradients.data());
    if (step == 0) first = last;
    optimizer.step(context, values.data(), gradients.data(), 1, 3e-3);
  }
  CHECK(last < 0.5 * first);
}
