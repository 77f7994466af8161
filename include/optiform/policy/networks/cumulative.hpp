// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/random.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Draws indices by weight, from running sums.
///
/// Contract  never draws an index of weight zero. A draw is one uniform number and O(log n).
/// Errors    Error if no weight is positive.
class Cumulative {
 public:
  Cumulative() = default;
  explicit Cumulative(const std::vector<double>& weight) {
    for (std::size_t i = 0; i < weight.size(); ++i)
      if (weight[i] > 0) append(static_cast<Index>(i), weight[i]);
    if (index_.empty()) fail("nothing to draw from: no weight is positive");
  }
  void append(Index index, double weight) {
    index_.push_back(index);
    sum_.push_back(total() + weight);
  }

  double total() const { return sum_.empty() ? 0 : sum_.back(); }
  Index draw(Rng& rng) const { return index_[find(rng.uniform() * total())]; }

 private:
  /// The first sum above `point`; the last one should rounding have put it beyond.
  std::size_t find(double point) const {
    std::size_t low = 0, high = sum_.size() - 1;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (sum_[middle] > point) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  std::vector<Index> index_;
  std::vector<double> sum_;
};

OPTIFORM_NAMESPACE_END
