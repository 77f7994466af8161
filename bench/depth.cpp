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
#include <string>
#include <thread>

#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "support/measure.hpp"
#include "support/peer.hpp"
#include "support/row_figures.hpp"
#include "support/training.hpp"

namespace {

using namespace bench;

struct Options {
  bool quick = false;
  bool memory = false;
  int threads = 0;
  std::vector<std::string> peer;
};

void print(const char* key, double value) { std::printf("%s %.4g\n", key, value); }

[[noreturn]] void give_up(const std::string& why) {
  std::fflush(stdout);
  std::fprintf(stderr, "bench/depth: %s\n", why.c_str());
  std::exit(1);
}

Options parsed(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--quick") {
      o.quick = true;
    } else if (word == "--memory") {
      o.memory = true;
    } else if (word == "--threads" && i + 1 < argc) {
      o.threads = std::atoi(argv[++i]);
    } else if (word == "--peer" && i + 2 < argc) {
      o.peer = {argv[i + 1], argv[i + 2]};
      i += 2;
    } else {
      give_up("'" + word + "' is not an option; see the first lines of depth.cpp");
    }
  }
  if (o.threads <= 0) o.threads = static_cast<int>(std::thread::hardware_concurrency());
  return o;
}

/// A random guess loses ln(vocabulary); whoever does not is not training this model.
void check_first_loss(const char* whose, double loss) {
  const double guess = std::log(static_cast<double>(SmallShape::vocabulary));
  if (!(std::fabs(loss - guess) < 0.3))
    give_up(std::string(whose) + " starts with loss " + std::to_string(loss) + ", expected " +
            std::to_string(guess));
}

/// Programs that wanted a core during the last minute: above the number of threads, figures by the
/// wall clock say little.
double load_average() {
  double load = 0;
  getloadavg(&load, 1);
  return load;
}

void pause_until_quiet() {
  // A peer's idle threads spin for a while.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
}

// ---- PyTorch

struct Setting {
  std::string mode, adamw;
  int threads;
  std::string words() const {
    return "setting vanilla " + mode + " " + std::to_string(threads) + " " + adamw;
  }
};

double number(const std::string& answer) {
  return answer.empty() ? NAN : std::atof(answer.c_str());
}

/// Seconds of the best of a few steps; infinity where the setting does not work.
double tried(Peer& peer, const Setting& setting, int steps) {
  const double first = number(peer.ask(setting.words(), 150));
  double best = INFINITY;
  if (!std::isnan(first)) {
    check_first_loss("PyTorch", first);
    for (int i = 0; i < steps; ++i) best = std::fmin(best, number(peer.ask("step", 60)));
  }
  std::printf("# PyTorch %s, %d threads, AdamW %s: %.0f ms a step\n", setting.mode.c_str(),
              setting.threads, setting.adamw.c_str(), 1e3 * best);
  std::fflush(stdout);
  return best;
}

/// Tries compiling, threads and the variants of AdamW.
Setting best_setting(const Options& o) {
  Setting best{"eager", "fused", o.threads};
  const int steps = o.quick ? 1 : 3;
  double time = INFINITY;
  // Each in a process of its own, so that one that hangs or fails takes no other with it.
  const auto consider = [&](const Setting& s) {
    Peer peer(o.peer);
    const double t = tried(peer, s, steps);
    if (t < time) time = t, best = s;
  };
  consider(best);
  if (std::isinf(time)) give_up("PyTorch does not train the model: " + o.peer[0] + " " + o.peer[1]);
  if (o.quick) return best;
  if (o.threads > 1) consider({"eager", "fused", 1});
  const int threads = best.threads;
  consider({"eager", "foreach", threads});
  consider({"eager", "single", threads});
  consider({"compiled", best.adamw, threads});
  return best;
}

double peak_memory_of_peer(const Options& o, const Setting& setting) {
  Peer peer(o.peer);
  peer.ask(setting.words(), 150);
  for (int i = 0; i < 2; ++i) peer.ask("step", 60);
  return number(peer.ask("memory", 5));
}

void print_against_peer(const Options& o, TrainingSteps<GradientDescent>& ours) {
  const Setting best = best_setting(o);
  Peer peer(o.peer);
  peer.ask(best.words(), 150);
  peer.ask("step", 60);
  std::vector<double> our_times, peer_times;
  for (int round = 0; round < (o.quick ? 2 : 12); ++round) {
    peer_times.push_back(number(peer.ask("step", 60)));
    pause_until_quiet();
    our_times.push_back(seconds([&] { ours.run(); }));
  }
  const std::vector<double> advantage = ratios(peer_times, our_times);
  const Interval bounds = bootstrap_of_median(advantage);
  std::printf("# best: PyTorch %s, %d threads, AdamW %s\n", best.mode.c_str(), best.threads,
              best.adamw.c_str());
  print("tokens_per_second_pytorch_small", SmallShape::tokens / median(peer_times));
  print("tokens_per_second_over_pytorch_small", median(advantage));
  print("tokens_per_second_over_pytorch_small_low", bounds.low);
  print("tokens_per_second_over_pytorch_small_high", bounds.high);
}

void print_memory(const Options& o) {
  Peer ours({"/proc/self/exe", "--memory", "--threads", std::to_string(o.threads)});
  const double bytes = number(ours.ask("", 60));
  print("peak_memory_small_mb", bytes * 1e-6);
  if (o.peer.empty()) return;
  // Eager: compiling takes memory that training does not need.
  const double theirs = peak_memory_of_peer(o, {"eager", "fused", o.threads});
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

void print_step_figures(const Options& o, TrainingSteps<GradientDescent>& vanilla) {
  TrainingSteps<TripleMomentum> tmm(o.threads);
  CpuContext<ForkJoinPool> context(o.threads);
  check_first_loss("vanilla", vanilla.run());
  check_first_loss("tmm", tmm.run());
  vanilla.run(), tmm.run();
  std::vector<double> vanilla_times, tmm_times, peaks;
  for (int pair = 0; pair < (o.quick ? 3 : 24); ++pair) {
    // Alternating who begins cancels a steady drift.
    if (pair % 2 == 0) vanilla_times.push_back(seconds([&] { vanilla.run(); }));
    tmm_times.push_back(seconds([&] { tmm.run(); }));
    if (pair % 2 == 1) vanilla_times.push_back(seconds([&] { vanilla.run(); }));
    if (pair % 3 == 0) peaks.push_back(peak(context));
  }
  const double time = median(vanilla_times);
  print("tokens_per_second_small", SmallShape::tokens / time);
  print("fma_peak_fraction_small", SmallShape::useful_operations() / time / median(peaks));
  std::printf("# %.1f GFLOP useful, %.0f GFLOP/s of %.0f on %d threads, %.0f ms a step\n",
              1e-9 * SmallShape::useful_operations(), 1e-9 * SmallShape::useful_operations() / time,
              1e-9 * median(peaks), o.threads, 1e3 * time);
  const std::vector<double> price = ratios(tmm_times, vanilla_times);
  const Interval bounds = bootstrap_of_median(price);
  print("tmm_over_vanilla", median(price));
  print("tmm_over_vanilla_low", bounds.low);
  print("tmm_over_vanilla_high", bounds.high);
  print("tokens_per_second_small_tmm", SmallShape::tokens / median(tmm_times));
}

}  // namespace

int main(int argc, char** argv) {
  const Options o = parsed(argc, argv);
  if (o.memory) return report_own_memory(o);
  std::printf("# %d threads, load average %.2f before the start, %d-bit registers\n", o.threads,
              load_average(), 8 * optiform::register_bytes);
  const double time = seconds([&] {
    print_row_figures(o.quick);
    std::fflush(stdout);
    TrainingSteps<GradientDescent> vanilla(o.threads);
    print_step_figures(o, vanilla);
    std::fflush(stdout);
    if (o.peer.empty())
      std::printf("# PyTorch is not measured: no Python with it was given by PYTHON=\n");
    else
      print_against_peer(o, vanilla);
    std::fflush(stdout);
    print_memory(o);
  });
  std::printf("# measured in %.0f s, load average %.2f at the end\n", time, load_average());
}
