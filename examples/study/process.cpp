// SPDX-License-Identifier: MIT
#include "process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include <optiform/io/file.hpp>

using namespace optiform;
namespace fs = std::filesystem;

pid_t start_study(const std::vector<std::string>& arguments, const fs::path& output) {
  std::vector<std::string> all{"study"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::fflush(nullptr);
  std::signal(SIGCHLD,
              SIG_DFL);  // if whoever started this one ignored it, none could be waited for
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

std::string last_words(const fs::path& output, int status) {
  if (WIFSIGNALED(status)) return message("ended by signal ", WTERMSIG(status));
  std::string text = read_file(output);
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.find_last_of('\n') + 1);
}
