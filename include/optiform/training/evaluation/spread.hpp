// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Mean and spread of numbers as they come.
///
/// Source    Welford, Technometrics 4, 1962: no difference of large sums.
class Spread {
 public:
  void add(double value) {
    const double before = value - mean_;
    mean_ += before / static_cast<double>(++count_);
    squares_ += before * (value - mean_);
  }
  double mean() const { return mean_; }
  /// Population standard deviation.
  double deviation() const {
    return count_ > 0 ? std::sqrt(squares_ / static_cast<double>(count_)) : 0;
  }
  /// Standard error of the mean; 0 for a single number, of which nothing is known.
  double standard_error() const {
    return count_ > 1 ? deviation() / std::sqrt(static_cast<double>(count_ - 1)) : 0;
  }

 private:
  Index count_ = 0;
  double mean_ = 0, squares_ = 0;
};

OPTIFORM_NAMESPACE_END
