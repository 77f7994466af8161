// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/io/checkpoint.hpp>

#include "support.hpp"

namespace optiform::testing {

/// Weights, streams and state that all follow from one number.
struct SmallRun {
  std::vector<float> weights;
  std::vector<double> moments;
  Checkpoint checkpoint;

  explicit SmallRun(std::int64_t number, Index size = 15) {
    const auto count = static_cast<std::size_t>(size);
    for (std::size_t i = 0; i < count; ++i) {
      weights.push_back(static_cast<float>(number) + 0.5f * static_cast<float>(i));
      moments.push_back(1.0 / (static_cast<double>(number) + static_cast<double>(i) + 1));
    }
    checkpoint.step = number;
    checkpoint.state = {{"number", number}, {"text", "läuft"}, {"rate", 0.1}};
    checkpoint.weights = {{{"w", DType::f32, {3, size / 3}}, weights.data()},
                          {{"mu", DType::f32, {}}, weights.data()}};
    checkpoint.streams = {{{"moment", DType::f64, {size}}, moments.data()}};
  }
  SmallRun(const SmallRun&) = delete;

  /// Whether the reader holds exactly this run.
  bool equals(const CheckpointReader& reader) const {
    const auto size = static_cast<Index>(weights.size());
    std::vector<float> w(weights.size());
    std::vector<double> m(weights.size());
    float mu = 0;
    reader.read_weight("w", {3, size / 3}, w.data());
    reader.read_weight("mu", {}, &mu);
    reader.read_stream("moment", {size}, m.data());
    return w == weights && m == moments && mu == weights[0] && reader.step() == checkpoint.step &&
           reader.state() == checkpoint.state;
  }
};

}  // namespace optiform::testing
