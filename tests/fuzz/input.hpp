// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <optiform/core/error.hpp>

// What every fuzz target needs. A target is one file that defines
//   extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// and a folder corpus/<its name>/ of small inputs to start from. See run.sh.

namespace fuzz {

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// A file that holds the input and lives in memory.
class File {
 public:
  explicit File(std::string_view bytes) : handle_(::memfd_create("input", MFD_CLOEXEC)) {
    if (handle_ < 0 || ::write(handle_, bytes.data(), bytes.size()) < 0) std::abort();
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(handle_); }
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(handle_); }

 private:
  int handle_;
};

/// Runs a parser: it may refuse with an Error of one line, and with nothing else.
template <class F>
int parse(F&& parser) {
  try {
    parser();
  } catch (const optiform::Error& error) {
    const std::string_view sentence = error.what();
    if (sentence.empty() || sentence.find('\n') != std::string_view::npos) std::abort();
  }
  return 0;
}

}  // namespace fuzz
