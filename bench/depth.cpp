// SPDX-License-Identifier: MIT
// The figures of `bench/report.sh depth`: row programs against memory and a hand-written loop, and
// whole training steps against the machine's multiply-add peak and PyTorch.
//   bench/depth [--quick] [--threads N] [--peer PYTHON SCRIPT]
//   bench/depth --memory     trains a few steps and prints this process's largest resident size
#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "support/measure.hpp"
#include "support/pytorch_steps.hpp"
#include "support/report_options.hpp"
#include "support/row_figures.hpp"
#include "support/training.hpp"

namespace {

using namespace bench;

using Options = ReportOptions;

/// A random guess loses ln(vocabulary); whoever does not is not training this model.
template <class Shape>
void check_first_loss(const Options& o, const std::string& whose, double loss) {
  const double guess = std::log(static_cast<double>(Shape::vocabulary));
  if (!(std::fabs(loss - guess) < 0.3))
    o.give_up(whose + " starts with loss " + std::to_string(loss) + ", expected " +
              std::to_string(guess));
}

/// Programs that wanted a core during the last minute: above the number of threads, figures by the
/// wall clock say little.
double load_average() {
  double load = 0;
  getloadavg(&load, 1);
  return load;
}

// ---- PyTorch

/// A process that trains, and the time of its best step so far.
template <class Shape>
struct Rival {
  PyTorchSetting setting;
  std::unique_ptr<Peer> peer;
  double best = INFINITY;  ///< stays so where the setting does not work

  Rival(const Options& o, PyTorchSetting s, int steps)
      : setting(std::move(s)), peer(std::make_unique<Peer>(o.peer)) {
    const double first = number(peer->ask(setting.words<Shape>(), 240));
    if (!std::isnan(first)) {
      check_first_loss<Shape>(o, "PyTorch", first);
      for (int i = 0; i < steps; ++i) best = std::fmin(best, step());
    }
    std::printf("# PyTorch %s: %.0f ms a step\n", setting.name().c_str(), 1e3 * best);
    std::fflush(stdout);
  }
  double step() { return number(peer->ask("step", 60)); }
};

/// PyTorch at its best without and with compilation: threads and the variants of AdamW are tried.
template <class Shape>
struct Rivals {
  Rival<Shape> eager;
  std::unique_ptr<Rival<Shape>> compiled;  ///< null where it does not work

  explicit Rivals(const Options& o) : eager(o, {"eager", "fused", o.threads}, steps(o)) {
    if (std::isinf(eager.best))
      o.give_up("PyTorch does not train the model: " + o.peer[0] + " " + o.peer[1]);
    if (o.quick) return;
    // Each in a process of its own, so that one that hangs or fails takes no other with it.
    const auto consider = [&](const char* adamw, int threads) {
      Rival<Shape> other(o, {"eager", adamw, threads}, steps(o));
      if (other.best < eager.best) eager = std::move(other);
    };
    if (o.threads > 1) consider("fused", 1);
    const int threads = eager.setting.threads;
    consider("foreach", threads);
    consider("single", threads);
    compiled = std::make_unique<Rival<Shape>>(
        o, PyTorchSetting{"compiled", eager.setting.adamw, threads}, steps(o));
    if (std::isinf(compiled->best)) compiled = nullptr;
  }

 private:
  static int steps(const Options& o) { return o.quick ? 1 : 3; }
};

double peak_memory_of_peer(const Options& o) {
  Peer peer(o.peer);
  peer.ask(PyTorchSetting{"eager", "fused", o.threads}.words<SmallShape>(), 150);
  for (int i = 0; i < 2; ++i) peer.ask("step", 60);
  return number(peer.ask("memory", 5));
}

/// Our steps and PyTorch's in turn.
template <class Shape>
void print_against_peer(const Options& o, const std::string& name,
                        TrainingSteps<GradientDescent, Shape>& ours, int rounds) {
  Rivals<Shape> rivals(o);
  std::vector<double> our_times, eager_times, compiled_times, best_times;
  for (int round = 0; round < (o.quick ? 2 : rounds); ++round) {
    eager_times.push_back(rivals.eager.step());
    if (rivals.compiled) compiled_times.push_back(rivals.compiled->step());
    pause_until_quiet();
    our_times.push_back(seconds([&] { ours.run(); }));
  }
  const bool compiled = rivals.compiled && median(compiled_times) < median(eager_times);
  best_times = compiled ? compiled_times : eager_times;
  std::printf("# best: PyTorch %s\n",
              (compiled ? rivals.compiled->setting : rivals.eager.setting).name().c_str());
  print("tokens_per_second_pytorch_" + name, Shape::tokens / median(best_times));
  print_interval("tokens_per_second_over_pytorch_" + name, ratios(best_times, our_times));
  print_interval("tokens_per_second_over_eager_" + name, ratios(eager_times, our_times));
}

void print_memory(const Options& o) {
  Peer ours({"/proc/self/exe", "--memory", "--threads", std::to_string(o.threads)});
  const double bytes = number(ours.ask("", 60));
  print("peak_memory_small_mb", bytes * 1e-6);
  if (o.peer.empty()) return;
  // Eager: compiling takes memory that training does not need.
  const double theirs = peak_memory_of_peer(o);
  print("peak_memory_pytorch_small_mb", theirs * 1e-6);
  print("peak_memory_over_pytorch", bytes / theirs);
}

int report_own_memory(const Options& o) {
  TrainingSteps<GradientDescent> steps(o.threads);
  for (int i = 0; i < 3; ++i) steps.run();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%ld\n", usage.ru_maxrss * 1024);
  return 0;
}

// ---- our own steps

/// Operations per second of all threads together, in registers.
double peak(CpuContext<ForkJoinPool>& context) {
  std::vector<double> rate(static_cast<std::size_t>(context.threads()));
  context.parallel(context.threads(), [&](Index task, int) {
    rate[static_cast<std::size_t>(task)] = multiply_add_rate<float>(5000000);
  });
  double total = 0;
  for (const double r : rate) total += r;
  return total;
}

/// How near the multiply-add rate of the same threads a step comes.
template <class Shape>
void print_share_of_peak(const Options& o, const std::string& name, double time, double peak_rate) {
  const double rate = Shape::useful_operations() / time;
  print("tokens_per_second_" + name, Shape::tokens / time);
  print("fma_peak_fraction_" + name, rate / peak_rate);
  std::printf("# %.1f GFLOP useful, %.0f GFLOP/s of %.0f on %d threads, %.0f ms a step\n",
              1e-9 * Shape::useful_operations(), 1e-9 * rate, 1e-9 * peak_rate, o.threads,
              1e3 * time);
}

void print_small(const Options& o, TrainingSteps<GradientDescent>& vanilla) {
  TrainingSteps<TripleMomentum> tmm(o.threads);
  TrainingSteps<GradientDescent> alone(1);
  CpuContext<ForkJoinPool> context(o.threads);
  check_first_loss<SmallShape>(o, "vanilla", vanilla.run());
  check_first_loss<SmallShape>(o, "tmm", tmm.run());
  vanilla.run(), tmm.run(), alone.run();
  std::vector<double> vanilla_times, tmm_times, alone_times, peaks, together;
  for (int pair = 0; pair < (o.quick ? 3 : 24); ++pair) {
    // Alternating who begins cancels a steady drift.
    if (pair % 2 == 0) vanilla_times.push_back(seconds([&] { vanilla.run(); }));
    tmm_times.push_back(seconds([&] { tmm.run(); }));
    if (pair % 2 == 1) vanilla_times.push_back(seconds([&] { vanilla.run(); }));
    if (pair % 3 != 0) continue;
    peaks.push_back(peak(context));
    alone_times.push_back(seconds([&] { alone.run(); }));
    together.push_back(vanilla_times.back());
  }
  print_share_of_peak<SmallShape>(o, "small", median(vanilla_times), median(peaks));
  print("speedup_of_" + std::to_string(o.threads) + "_threads_small",
        median(ratios(alone_times, together)));
  print_interval("tmm_over_vanilla", ratios(tmm_times, vanilla_times));
  print("tokens_per_second_small_tmm", SmallShape::tokens / median(tmm_times));
}

/// Vanilla steps of a large model; few, since each takes seconds.
template <class Shape>
void print_large(const Options& o, const std::string& name) {
  TrainingSteps<GradientDescent, Shape> vanilla(o.threads);
  CpuContext<ForkJoinPool> context(o.threads);
  check_first_loss<Shape>(o, "vanilla", vanilla.run());
  std::vector<double> times, peaks;
  for (int i = 0; i < (o.quick ? 1 : 5); ++i) {
    times.push_back(seconds([&] { vanilla.run(); }));
    peaks.push_back(peak(context));
  }
  print_share_of_peak<Shape>(o, name, median(times), median(peaks));
  std::fflush(stdout);
  if (!o.peer.empty()) print_against_peer(o, name, vanilla, 5);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const Options o = report_options("depth", argc, argv);
  if (o.memory) return report_own_memory(o);
  std::printf("# %d threads, load average %.2f before the start, %d-bit registers\n", o.threads,
              load_average(), 8 * optiform::register_bytes);
  const double time = seconds([&] {
    print_row_figures(o.quick);
    std::fflush(stdout);
    if (o.peer.empty())
      std::printf("# PyTorch is not measured: no Python with it was given by PYTHON=\n");
    {
      TrainingSteps<GradientDescent> vanilla(o.threads);
      print_small(o, vanilla);
      std::fflush(stdout);
      if (!o.peer.empty()) print_against_peer(o, "small", vanilla, 12);
      std::fflush(stdout);
    }
    print_memory(o);
    std::fflush(stdout);
    print_large<Gpt2Short>(o, "gpt2");
    print_large<Gpt2Long>(o, "gpt2_long");
  });
  std::printf("# measured in %.0f s, load average %.2f at the end\n", time, load_average());
}
