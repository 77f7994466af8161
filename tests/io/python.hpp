// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "support.hpp"

namespace optiform::testing {

/// Runs Python, that of the environment variable PYTHON or python3; whether it succeeded.
inline bool run_python(const std::string& arguments, const std::string& log = "/dev/null") {
  const char* given = std::getenv("PYTHON");
  const std::string python = given != nullptr && *given != '\0' ? given : "python3";
  return std::system(("'" + python + "' " + arguments + " > '" + log + "' 2>&1").c_str()) == 0;
}

/// Whether there is a Python with these modules; says so where there is none.
inline bool python_has(const std::string& modules) {
  if (run_python("-c 'import " + modules + "'")) return true;
  MESSAGE("skipped: no Python with " << modules << " (set PYTHON)");
  return false;
}

/// What a script of tests/io/fixtures says about a file or folder: ok, or its complaint.
inline std::string python_says(const std::string& script, const std::string& action,
                               const std::filesystem::path& path) {
  TemporaryDirectory directory;
  run_python("'" OPTIFORM_SOURCE_DIR "/tests/io/fixtures/" + script + "' " + action + " '" +
                 path.string() + "'",
             directory / "log");
  return read_bytes(directory / "log");
}

}  // namespace optiform::testing
