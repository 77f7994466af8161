// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <optiform/core/error.hpp>
#include <optiform/core/random.hpp>

namespace optiform::testing {

/// A directory of its own that disappears with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "optiform-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) fail("no temporary directory");
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline const std::filesystem::path fixtures = OPTIFORM_SOURCE_DIR "/tests/io/fixtures";

/// -1, -0.5, 0, 0.5, ...
template <class T = float>
std::vector<T> ramp(std::size_t size) {
  std::vector<T> values(size);
  for (std::size_t i = 0; i < size; ++i)
    values[i] = static_cast<T>(0.5 * static_cast<double>(i) - 1);
  return values;
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Changes one byte where it stands.
inline void write_byte(const std::filesystem::path& path, std::size_t at, char value) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(at)).put(value);
}

/// The sentence of the Error that `action` throws; empty if it throws none.
template <class F>
std::string refusal(F&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// One sentence: not empty, one line, of a length that a terminal shows.
inline bool is_one_sentence(const std::string& text) {
  return text.size() > 20 && text.size() < 600 && text.find('\n') == std::string::npos &&
         text.find("json.exception") == std::string::npos;
}

#define CHECK_REFUSED(part, ...)                                                     \
  do {                                                                               \
    const std::string sentence = ::optiform::testing::refusal([&] { __VA_ARGS__; }); \
    INFO("sentence: ", sentence);                                                    \
    CHECK(::optiform::testing::is_one_sentence(sentence));                           \
    CHECK(sentence.find(part) != std::string::npos);                                 \
  } while (false)

/// The files of a directory, sorted by name.
inline std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace optiform::testing
