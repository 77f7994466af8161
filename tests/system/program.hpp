// SPDX-License-Identifier: MIT
#pragma once

// Runs the example programs as a user does: as processes, in a folder of their own.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace programs {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

inline fs::path path(const std::string& name) {
  return fs::path(OPTIFORM_BINARY_DIR) / "examples" / name;
}

/// Whether the programs were built; says so where they were not.
inline bool built() {
  const bool all = fs::exists(path("pretrain")) && fs::exists(path("generate"));
  if (!all) MESSAGE("skipped: the example programs were not built");
  return all;
}

inline std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
inline void write(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}
/// Replaces what a file must hold.
inline void replace(const fs::path& file, const std::string& from, const std::string& to) {
  std::string text = read(file);
  REQUIRE(text.find(from) != std::string::npos);
  write(file, text.replace(text.find(from), from.size(), to));
}

/// Every file below a folder with its bytes: to see that nothing changed.
inline std::map<std::string, std::string> snapshot(const fs::path& folder) {
  std::map<std::string, std::string> files;
  if (fs::exists(folder))
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file())
        files[fs::relative(entry.path(), folder).string()] = read(entry.path());
  return files;
}

/// The `key value` lines of a program.
inline std::map<std::string, double> lines(const std::string& out) {
  std::map<std::string, double> all;
  std::istringstream in(out);
  std::string key;
  for (double value = 0; in >> key >> value;) all[key] = value;
  return all;
}

struct Result {
  int code = 0;  ///< exit code, or minus the signal that ended the process
  std::string out, err;
};

/// A started program; `wait` collects what it said.
class Process {
 public:
  /// `file_limit` bytes at most may be written to a file (0: no limit): a full disk for the poor.
  Process(const fs::path& folder, const std::string& program, const Arguments& arguments,
          rlim_t file_limit = 0)
      : folder_(folder) {
    const std::string binary = path(program).string();
    std::vector<char*> argv{const_cast<char*>(binary.c_str())};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const std::string out = (folder / "stdout").string(), err = (folder / "stderr").string();
    pid_ = ::fork();
    if (pid_ != 0) return;
    const auto redirect = [](const char* file, int to) {
      ::dup2(::open(file, O_CREAT | O_TRUNC | O_WRONLY, 0644), to);
    };
    redirect(out.c_str(), 1);
    redirect(err.c_str(), 2);
    if (::chdir(folder.c_str()) != 0) ::_exit(126);
    if (file_limit > 0) {
      const rlimit limit{file_limit, file_limit};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      std::signal(SIGXFSZ, SIG_IGN);  // then a write fails as on a full disk
    }
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  void signal(int number) const { ::kill(pid_, number); }
  Result wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), read(folder_ / "stdout"),
            read(folder_ / "stderr")};
  }

 private:
  fs::path folder_;
  pid_t pid_ = 0;
};

inline Result run(const fs::path& folder, const std::string& program, const Arguments& arguments,
                  rlim_t file_limit = 0) {
  return Process(folder, program, arguments, file_limit).wait();
}

/// A fresh folder with a text to train on, removed at the end.
struct Folder {
  fs::path path;
  explicit Folder(const std::string& name)
      : path(fs::temp_directory_path() / ("optiform_system_" + name + std::to_string(::getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
    write(path / "text.txt", text());
  }
  ~Folder() { fs::remove_all(path); }

  static std::string text() {
    const char* const words[] = {"the", "sea",  "rose", "and",   "fell",    "under",
                                 "a",   "grey", "sky",  "while", "we",      "waited",
                                 "for", "wind", "that", "did",   "not come"};
    std::string text;
    unsigned state = 12345;
    while (text.size() < 40000) {
      state = state * 1664525u + 1013904223u;
      text += words[(state >> 16) % std::size(words)];
      text += (state >> 8) % 9 == 0 ? ".\n" : " ";
    }
    return text;
  }
  /// Waits, a minute at most, until a run has saved this step or a later one.
  void wait_for_checkpoint(const std::string& run, int step) const {
    const auto saved = [&] {
      if (!fs::exists(path / run / "checkpoints")) return false;
      for (const auto& entry : fs::directory_iterator(path / run / "checkpoints")) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with(".json") && std::stoi(name.substr(std::string("step-").size())) >= step)
          return true;
      }
      return false;
    };
    for (int i = 0; i < 60000 && !saved(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  /// The bytes of the final weights and optimizer, wherever the save counter stands.
  std::string final_state(const std::string& run) const {
    std::string all;
    for (const char* suffix : {".weights.safetensors", ".optimizer.safetensors"})
      for (const auto& entry : fs::directory_iterator(path / run / "checkpoints"))
        if (entry.path().string().ends_with(suffix)) all += read(entry.path());
    return all;
  }
};

inline Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A run of two seconds at most.
inline const Arguments small{"--brief",  "--shape",         "tiny", "--data",
                             "text.txt", "--length",        "16",   "--batch",
                             "4",        "--warmup",        "5",    "--steps",
                             "60",       "--layers",        "1",    "--validation-blocks",
                             "10",       "--sample-tokens", "10"};

/// The program refuses: code 2, exactly one line of error, no file touched.
inline void check_refusal(const Folder& folder, const std::string& program,
                          const Arguments& arguments, const std::string& sentence) {
  std::string command = program;
  for (const auto& argument : arguments) command += " " + argument;
  INFO(command);
  fs::remove(folder.path / "stdout");
  fs::remove(folder.path / "stderr");
  const auto before = snapshot(folder.path);
  const auto refused = run(folder.path, program, arguments);
  fs::remove(folder.path / "stdout");
  fs::remove(folder.path / "stderr");
  CHECK(refused.code == 2);
  INFO(refused.err);
  CHECK(refused.err.starts_with(program + ": "));
  CHECK(refused.err.find(sentence) != std::string::npos);
  CHECK_MESSAGE(std::count(refused.err.begin(), refused.err.end(), '\n') == 1, refused.err);
  CHECK(snapshot(folder.path) == before);
}

}  // namespace programs
