// SPDX-License-Identifier: MIT
#include "launch.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <map>
#include <thread>

#include <optiform/training/interrupt.hpp>

using namespace optiform;
namespace fs = std::filesystem;

namespace {

/// Starts `study pretrain ARGUMENTS`, this program again, with its output in a file.
pid_t start(const StudyRun& run, const fs::path& output) {
  std::vector<std::string> arguments{"study", "pretrain", "--resume"};
  arguments.insert(arguments.end(), run.arguments.begin(), run.arguments.end());
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::fflush(nullptr);
  // A signal that comes before the new program does must not fall to the handler of this one.
  sigset_t terminate, before;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &terminate, &before);
  const pid_t parent = ::getpid(), child = ::fork();
  if (child == 0) std::signal(SIGTERM, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) fail("cannot start another process");
  if (child > 0) return child;
  // Ctrl-C reaches the group of the study, which passes it on; whoever kills the study ends its
  // runs.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  const int file = ::open(output.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0644);
  ::dup2(file, 1);
  ::dup2(file, 2);
  ::execv("/proc/self/exe", argv.data());
  ::_exit(127);
}

std::string last_line(const fs::path& path) {
  std::string text = read_file(path);
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.find_last_of('\n') + 1);
}

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
    running_[start(run, output(run))] = &run;
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
    run.refresh();
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
                  last_line(output(run)).c_str());
    }
    std::fflush(stdout);
  }

  /// By the mean speed of the runs that have finished.
  void tell_time_left() const {
    double seconds = 0, done = 0, left = 0;
    for (const StudyRun* run : runs_) {
      if (run->finished) {
        seconds += run->log.back().seconds;
        done += static_cast<double>(run->options.steps);
      } else {
        left += static_cast<double>(run->options.steps - run->step());
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
