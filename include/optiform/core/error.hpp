// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include <optiform/core/config.hpp>

/// A broken contract between pieces of code; compiled out with NDEBUG.
#if defined(NDEBUG)
#define OPTIFORM_ASSERT(condition, sentence) static_cast<void>(0)
#else
#define OPTIFORM_ASSERT(condition, sentence) \
  ((condition) ? static_cast<void>(0)        \
               : ::optiform::detail::assertion_failed(sentence, __FILE__, __LINE__))
#endif

OPTIFORM_NAMESPACE_BEGIN

/// Bad input from outside the program: a file, a configuration, a size. what() is one sentence
/// that names the thing, its value and what was expected.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {

inline void append(std::string& out, std::string_view part) { out += part; }
inline void append(std::string& out, char part) { out += part; }
template <class T>
  requires std::is_integral_v<T>
void append(std::string& out, T part) { out += std::to_string(part); }
/// Shortest of the usual spellings of a real number.
inline void append(std::string& out, double part);

[[noreturn]] inline void assertion_failed(const char* sentence, const char* file, int line);

}  // namespace detail

/// Concatenates strings, characters and numbers: `message("layers = ", 3)`.
template <class... Parts>
std::string message(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

/// Throws Error with the concatenated sentence.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(message(parts...));
}

namespace detail {

inline void append(std::string& out, double part) {
  char buffer[32];
  // The shortest precision that reads back as the same number.
  for (int precision = 6; precision <= 17; ++precision) {
    std::snprintf(buffer, sizeof buffer, "%.*g", precision, part);
    if (std::strtod(buffer, nullptr) == part) break;
  }
  out += buffer;
}

inline void assertion_failed(const char* sentence, const char* file, int line) {
  throw std::logic_error(message(file, ":", line, ": ", sentence));
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
