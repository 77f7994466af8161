// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// A sentence that can be a template argument, so that compilers print it.
template <std::size_t N>
struct text {
  char chars[N]{};
  consteval text(const char (&literal)[N]) {
    for (std::size_t i = 0; i < N; ++i) chars[i] = literal[i];
  }
};

}  // namespace detail

/// A requirement that failed; its argument tells the reader what to write instead.
///
///   concept Walker = (has_walk<T> || unmet<"add: void walk()">());
template <detail::text Reason>
consteval bool unmet() {
  return false;
}

OPTIFORM_NAMESPACE_END
