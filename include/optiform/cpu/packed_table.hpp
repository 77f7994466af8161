// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <compare>
#include <utility>
#include <vector>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Finds packed copies of matrices by what they were made of.
class PackedTable {
 public:
  /// A dense matrix [n, k]; its address tells its scalar, too.
  struct Source {
    const void* weights;
    Index n, k;
    friend auto operator<=>(const Source&, const Source&) = default;
  };

  void clear() { entries_.clear(); }
  void add(const Source& source, const void* matrix) {
    entries_.insert(place(source), {source, matrix});
  }
  /// Null if there is none.
  const void* find(const Source& source) const {
    const auto at = place(source);
    return at != entries_.end() && at->first == source ? at->second : nullptr;
  }

 private:
  using Entry = std::pair<Source, const void*>;

  std::vector<Entry>::const_iterator place(const Source& source) const {
    return std::lower_bound(entries_.begin(), entries_.end(), source,
                            [](const Entry& entry, const Source& s) { return entry.first < s; });
  }

  std::vector<Entry> entries_;  // in order
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
