// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace bench {

/// Idle threads of a peer spin for a while.
inline void pause_until_quiet() { std::this_thread::sleep_for(std::chrono::milliseconds(500)); }

/// Another program that answers one line for every line it is given.
class Peer {
 public:
  explicit Peer(const std::vector<std::string>& command) {
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) return;
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    child_ = fork();
    if (child_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      for (const int end : {to[0], to[1], from[0], from[1]}) close(end);
      execvp(arguments[0], arguments.data());
      _exit(127);
    }
    close(to[0]), close(from[1]);
    to_ = to[1], from_ = from[0];
    signal(SIGPIPE, SIG_IGN);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    if (to_ >= 0) close(to_);
    if (from_ >= 0) close(from_);
    if (child_ <= 0) return;
    kill(child_, SIGTERM);
    waitpid(child_, nullptr, 0);
  }

  /// The answer to a line, or nothing after `seconds` or when the program has ended.
  std::string ask(const std::string& line, double seconds) {
    const std::string sent = line + "\n";
    if (to_ < 0 || write(to_, sent.data(), sent.size()) < 0) return {};
    std::string answer;
    for (char c = 0; c != '\n'; answer += c) {
      pollfd ready{from_, POLLIN, 0};
      if (poll(&ready, 1, static_cast<int>(1e3 * seconds)) <= 0) return {};
      if (read(from_, &c, 1) <= 0) return {};
    }
    answer.pop_back();
    return answer;
  }

 private:
  pid_t child_ = -1;
  int to_ = -1, from_ = -1;
};

/// What a peer answered; not a number if it did not.
inline double number(const std::string& answer) {
  return answer.empty() ? NAN : std::atof(answer.c_str());
}

}  // namespace bench
