// SPDX-License-Identifier: MIT
// The figures of `bench/report.sh tabular`: steps of exact policy optimization on small processes,
// one alone and thousands in lockstep, beside the same step in numpy; and evaluation of large
// sparse ones.
//   bench/tabular [--quick] [--peer PYTHON SCRIPT]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <optiform/environments/tabular/library.hpp>
#include <optiform/environments/tabular/lockstep.hpp>
#include <optiform/tabular.hpp>

#include "support/measure.hpp"
#include "support/peer.hpp"

namespace {

using namespace bench;
using namespace optiform;

using Gradient = PolicyOptimizer<PolicyGradient<GradientDescent>, ExactCritic>;
using Accelerated = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, ValueRestart>;

constexpr double rate = 1.25e-4;  // (1 - gamma)^3 / 8

template <class Optimizer, class Environment, class T>
typename Optimizer::template on<SoftmaxTable, Environment, Cpu, T>::Options options() {
  typename Optimizer::template on<SoftmaxTable, Environment, Cpu, T>::Options o;
  if constexpr (std::is_same_v<Optimizer, Gradient>) {
    o.improvement.learning_rate = rate;
  } else {
    o.improvement.schedules = {{"gamma", CoefficientSchedule::ramp(rate / 2)},
                               {"mu", CoefficientSchedule::momentum()},
                               {"beta", CoefficientSchedule::momentum()}};
  }
  return o;
}

/// Microseconds per step of one instance alone.
template <class Optimizer>
class Alone {
 public:
  explicit Alone(const TabularMdp<>& mdp)
      : small_(mdp), run_(small_, context_, options<Optimizer, TabularMdp<5, 5>, double>()) {}
  double operator()(int steps) {
    return 1e6 / steps * thread_seconds([&] {
             for (int i = 0; i < steps; ++i) run_.step();
           });
  }
  double objective() { return run_.objective(); }

 private:
  TabularMdp<5, 5> small_;
  context_t<Cpu> context_{1};
  typename Optimizer::template on<SoftmaxTable, TabularMdp<5, 5>, Cpu> run_;
};

/// The same per step and instance of 4,096 in lockstep.
template <class Optimizer>
class Batched {
  using Lanes = Pack<double>;

 public:
  Batched(const TabularMdp<>& mdp, int threads)
      : context_(threads),
        run_(std::vector<const TabularMdp<>*>(instances, &mdp), context_,
             options<Optimizer, TabularMdp<5, 5, Lanes>, Lanes>()) {}
  double operator()(int steps) {
    return 1e6 / (steps * static_cast<double>(instances)) *
           (context_.threads() == 1 ? thread_seconds([&] { run_.run(steps); })
                                    : seconds([&] { run_.run(steps); }));
  }
  double objective() { return run_.objective(instances - 1); }

 private:
  static constexpr int instances = 4096;
  context_t<Cpu> context_;
  Lockstep<Optimizer, SoftmaxTable, TabularMdp<5, 5, Lanes>, Cpu> run_;
};

void print(const char* key, double value) { std::printf("%s %.4g\n", key, value); }

/// Alternates them, so that all see the same machine; prints gains with their bounds.
template <class Optimizer>
void compare(const char* step_key, const std::string& gain_key, const TabularMdp<>& mdp, int rounds,
             int steps) {
  Alone<Optimizer> alone(mdp);
  Batched<Optimizer> one_thread(mdp, 1), all_threads(mdp, 0);
  const int batched_steps = steps / 1000 + 1;
  alone(steps), one_thread(batched_steps), all_threads(batched_steps);
  std::vector<double> single, one, all;
  for (int i = 0; i < rounds; ++i) {
    single.push_back(alone(steps));
    one.push_back(one_thread(batched_steps));
    all.push_back(all_threads(batched_steps));
  }
  print(step_key, median(single));
  const auto gain = [&](const std::string& key, const std::vector<double>& batched) {
    const auto gains = ratios(single, batched);
    const Interval bound = bootstrap_of_median(gains);
    std::printf("%s %.4g\n%s_low %.4g\n%s_high %.4g\n", key.c_str(), median(gains), key.c_str(),
                bound.low, key.c_str(), bound.high);
  };
  gain(gain_key, all);
  gain(gain_key + "_one_thread", one);
}

void against_numpy(const std::vector<std::string>& command, const TabularMdp<>& mdp, int rounds) {
  if (command.empty()) {
    std::printf("# over_numpy: no Python with numpy; name one with PYTHON=\n");
    return;
  }
  Peer peer(command);
  std::string problem = "problem 5 5 0.9";
  for (Index pair = 0; pair < mdp.pairs(); ++pair) {
    double row[5]{};
    for (const auto* p = mdp.begin(pair); p != mdp.end(pair); ++p) row[p->state] = p->probability;
    for (const double p : row) problem += " " + std::to_string(p);
    problem += " " + std::to_string(mdp.reward(pair));
  }
  for (int s = 0; s < 5; ++s) problem += " " + std::to_string(mdp.start(s));
  if (peer.ask(problem, 60) != "ready") {
    std::fprintf(stderr, "bench/tabular: the numpy peer does not answer\n");
    std::exit(1);
  }
  Alone<Gradient> alone(mdp);
  std::vector<double> ours, theirs;
  constexpr int numpy_steps = 2000;
  for (int i = 0; i < rounds; ++i) {
    ours.push_back(alone(100000));
    theirs.push_back(1e6 / numpy_steps *
                     std::atof(peer.ask("steps " + std::to_string(numpy_steps), 120).c_str()));
  }
  // Both must have computed the same thing.
  Alone<Gradient> check(mdp);
  check(rounds * numpy_steps);
  const double other = std::atof(peer.ask("objective", 60).c_str());
  if (!(std::fabs(other - check.objective()) < 1e-9)) {
    std::fprintf(stderr, "bench/tabular: numpy's objective is %.12g, expected %.12g\n", other,
                 check.objective());
    std::exit(1);
  }
  print("numpy_step_us", median(theirs));
  print("over_numpy", median(ratios(theirs, ours)));
}

/// A gradient's evaluation (two iterative solves and the advantages) in products with P_pi.
void sparse(int rounds) {
  constexpr int states = 10000, actions = 4, branching = 5;
  const TabularMdp<> mdp = garnet_mdp(states, actions, branching, 0.9, 1);
  TabularEvaluator<TabularMdp<>, Cpu, double> evaluator(mdp);
  std::vector<double> probability(static_cast<std::size_t>(mdp.pairs()), 1.0 / actions);
  // The matrix of the policy, by rows as the evaluator keeps it.
  Eigen::SparseMatrix<double, Eigen::RowMajor> transition(states, states);
  std::vector<Eigen::Triplet<double>> entries;
  for (Index pair = 0; pair < mdp.pairs(); ++pair)
    for (const auto* p = mdp.begin(pair); p != mdp.end(pair); ++p)
      entries.emplace_back(static_cast<int>(pair / actions), p->state, p->probability / actions);
  transition.setFromTriplets(entries.begin(), entries.end());
  Eigen::VectorXd v = Eigen::VectorXd::Ones(states), w(states);
  std::vector<double> evaluation, product;
  Rng rng(2);
  for (int i = 0; i < rounds; ++i) {
    // A policy step away from the last one, as in ascent: solutions start from the last ones.
    for (Index s = 0; s < states; ++s) {
      double sum = 0;
      double* const row = probability.data() + s * actions;
      for (int a = 0; a < actions; ++a) sum += row[a] *= std::exp(0.01 * rng.normal());
      for (int a = 0; a < actions; ++a) row[a] /= sum;
    }
    evaluation.push_back(thread_seconds([&] {
      evaluator.begin(probability.data());
      evaluator.complete(probability.data());
    }));
    product.push_back(thread_seconds([&] {
                        for (int k = 0; k < 20; ++k) {
                          w.noalias() = transition * v;
                          v.swap(w);
                        }
                      }) /
                      20);
  }
  print("sparse_evaluation_us", 1e6 * median(evaluation));
  print("sparse_over_matvec", median(ratios(evaluation, product)));
}

}  // namespace

int main(int argc, char** argv) {
  bool quick = false;
  std::vector<std::string> peer;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--quick") {
      quick = true;
    } else if (word == "--peer" && i + 2 < argc) {
      peer = {argv[i + 1], argv[i + 2]};
      i += 2;
    } else {
      std::fprintf(stderr, "bench/tabular: '%s' is not an option\n", argv[i]);
      return 1;
    }
  }
  double load = 0;
  getloadavg(&load, 1);
  std::printf("# %u threads, %d lanes of double, load average %.2f\n",
              std::thread::hardware_concurrency(), pack_width<double>, load);
  const TabularMdp<> mdp = named_mdp("5s5a");
  const int rounds = quick ? 3 : 25, steps = quick ? 20000 : 200000;
  compare<Gradient>("gradient_step_us", "batched_gain", mdp, rounds, steps);
  compare<Accelerated>("apg_step_us", "batched_gain_apg", mdp, rounds, steps);
  against_numpy(peer, mdp, quick ? 2 : 9);
  sparse(quick ? 3 : 15);
}
