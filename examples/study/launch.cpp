// SPDX-License-Identifier: MIT
#include "launch.hpp"

#include <sys/wait.h>

#include <chrono>
#include <deque>
#include <map>
#include <thread>

#include <optiform/training/interrupt.hpp>

#include "process.hpp"

using namespace optiform;
namespace fs = std::filesystem;

namespace {

class Launcher {
 public:
  Launcher(std::vector<StudyRun*> runs, const LaunchOptions& options)
      : options_(options), waiting_(runs.begin(), runs.end()), runs_(std::move(runs)) {
    fs::create_directories(options.outputs);
  }

  LaunchEnd operator()() {
    const Interrupt interrupt;
    const auto begin = std::chrono::steady_clock::now();
    const auto out_of_time = [&] {
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
      return options_.minutes > 0 && passed.count() > 60 * options_.minutes;
    };
    while (true) {
      if (!stopping_ && (interrupt || out_of_time())) stop(interrupt.signal());
      while (!stopping_ && !waiting_.empty() &&
             running_.size() < static_cast<std::size_t>(options_.jobs))
        begin_next();
      if (running_.empty()) return end_;
      collect();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

 private:
  fs::path output(const StudyRun& run) const { return options_.outputs / (run.name + ".txt"); }

  void begin_next() {
    StudyRun& run = *waiting_.front();
    waiting_.pop_front();
    std::printf("[%zu of %zu] %s", ++begun_, runs_.size(), run.name.c_str());
    if (run.step() > 0) std::printf(", from step %lld", static_cast<long long>(run.step()));
    std::printf("\n");
    std::fflush(stdout);
    std::vector<std::string> arguments{"pretrain", "--resume"};
    arguments.insert(arguments.end(), run.arguments.begin(), run.arguments.end());
    running_[start_study(arguments, output(run))] = &run;
  }

  void stop(int signal) {
    stopping_ = true;
    end_.signal = signal;
    std::printf("%s: the runs save and leave\n", signal != 0 ? "a signal" : "the time is over");
    std::fflush(stdout);
    for (const auto& [process, run] : running_) ::kill(process, SIGTERM);
  }

  void collect() {
    int status = 0;
    const pid_t process = ::waitpid(-1, &status, WNOHANG);
    const auto found = running_.find(process);
    if (found == running_.end()) return;
    StudyRun& run = *found->second;
    running_.erase(found);
    try {
      run.refresh();
    } catch (const Error& error) {
      ++end_.failures;
      std::printf("%s: failed: %s\n", run.name.c_str(), error.what());
      std::fflush(stdout);
      return;
    }
    const auto step = static_cast<long long>(run.step());
    if (run.finished) {
      std::printf("%s: validation loss %.4f after %lld steps of %.1f ms", run.name.c_str(),
                  run.validation_loss(), step, run.milliseconds_per_step());
      tell_time_left();
    } else if (stopping_) {
      std::printf("%s: stopped at step %lld\n", run.name.c_str(), step);
    } else {
      ++end_.failures;
      std::printf("%s: failed at step %lld: %s\n", run.name.c_str(), step,
                  last_words(output(run), status).c_str());
    }
    std::fflush(stdout);
  }

  /// By the mean speed of the runs that have finished.
  void tell_time_left() const {
    double seconds = 0, done = 0, left = 0;
    for (const StudyRun* run : runs_) {
      if (run->finished) {
        seconds += run->log.back().seconds;
        done += static_cast<double>(run->options.steps * run->tokens_per_step());
      } else {
        left += static_cast<double>((run->options.steps - run->step()) * run->tokens_per_step());
      }
    }
    const auto minutes = static_cast<long>(std::ceil(left * seconds / done / 60 / options_.jobs));
    if (left > 0) std::printf("; about %ld:%02ld hours left", minutes / 60, minutes % 60);
    std::printf("\n");
  }

  LaunchOptions options_;
  std::deque<StudyRun*> waiting_;
  std::vector<StudyRun*> runs_;
  std::map<pid_t, StudyRun*> running_;
  std::size_t begun_ = 0;
  bool stopping_ = false;
  LaunchEnd end_;
};

}  // namespace

LaunchEnd launch(std::vector<StudyRun*> runs, const LaunchOptions& options) {
  return Launcher(std::move(runs), options)();
}
