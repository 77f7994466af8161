// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "measure.hpp"

// The command line of the reports, and the lines they print.

namespace bench {

/// What all reports understand: [--quick] [--threads N] [--peer PYTHON SCRIPT] [--only WORD]
/// [--memory].
struct ReportOptions {
  std::string program;  ///< as errors name it
  bool quick = false;   ///< a smoke test: the numbers mean nothing
  bool memory = false;
  int threads = 0;
  std::string only;
  std::vector<std::string> peer;  ///< command of the rival, or nothing

  [[noreturn]] void give_up(const std::string& why) const {
    std::fflush(stdout);
    std::fprintf(stderr, "bench/%s: %s\n", program.c_str(), why.c_str());
    std::exit(1);
  }
};

inline ReportOptions report_options(const char* program, int argc, char** argv) {
  ReportOptions o;
  o.program = program;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--quick") {
      o.quick = true;
    } else if (word == "--memory") {
      o.memory = true;
    } else if (word == "--only" && i + 1 < argc) {
      o.only = argv[++i];
    } else if (word == "--threads" && i + 1 < argc) {
      o.threads = std::atoi(argv[++i]);
    } else if (word == "--peer" && i + 2 < argc) {
      o.peer = {argv[i + 1], argv[i + 2]};
      i += 2;
    } else {
      o.give_up("'" + word + "' is not an option; see the first lines of " + o.program + ".cpp");
    }
  }
  if (o.threads <= 0) o.threads = static_cast<int>(std::thread::hardware_concurrency());
  return o;
}

inline void print(const std::string& key, double value) {
  std::printf("%s %.4g\n", key.c_str(), value);
  std::fflush(stdout);
}

/// The median of values and where it lies with 95 % confidence.
inline void print_interval(const std::string& key, const std::vector<double>& values) {
  const Interval bounds = bootstrap_of_median(values);
  print(key, median(values));
  print(key + "_low", bounds.low);
  print(key + "_high", bounds.high);
}

}  // namespace bench
