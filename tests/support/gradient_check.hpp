// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <optiform/core/config.hpp>
#include <optiform/core/random.hpp>

namespace optiform::testing {

/// One array of inputs and the gradient that is claimed for it.
struct GradientBlock {
  std::string name;
  double* values;
  const double* gradient;
  Index size;
};

struct GradientCheckOptions {
  double step = 1e-3;
  Index coordinates = 64;  ///< per block; a larger block is sampled
  std::uint64_t seed = 1;
};

struct GradientCheckResult {
  double error = 0;  ///< the worst block's ||error|| / max(||g||, 1e-3 ||all gradients||)
  std::string worst;
};

/// Compares claimed gradients with central differences of `loss`, in double.
///
/// The fourth-order central difference (8 (f(+h) - f(-h)) - (f(+2h) - f(-2h))) / 12h has an error
/// of order h^4, so that 1e-6 is a test of the gradient and not of the difference.
/// `loss` takes nothing and reads the blocks' values, which are restored afterwards.
template <class Loss>
GradientCheckResult check_gradients(Loss&& loss, const std::vector<GradientBlock>& blocks,
                                    const GradientCheckOptions& options = {}) {
  struct Norms {
    double error = 0, gradient = 0;
  };
  std::vector<Norms> norms;
  double all = 0;
  Rng rng(options.seed);
  for (const GradientBlock& block : blocks) {
    Norms sum;
    const bool sampled = block.size > options.coordinates;
    const Index count = sampled ? options.coordinates : block.size;
    for (Index n = 0; n < count; ++n) {
      const Index i =
          sampled ? static_cast<Index>(rng.below(static_cast<std::uint64_t>(block.size))) : n;
      const double kept = block.values[i];
      const double h = options.step;
      const auto at = [&](double offset) {
        block.values[i] = kept + offset;
        return loss();
      };
      const double numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      block.values[i] = kept;
      const double error = numeric - block.gradient[i];
      sum.error += error * error;
      sum.gradient += numeric * numeric;
    }
    // A sample stands for its block in the norm of all gradients.
    if (count > 0)
      all += sum.gradient * static_cast<double>(block.size) / static_cast<double>(count);
    norms.push_back(sum);
  }
  GradientCheckResult result;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const double scale = std::fmax(std::sqrt(norms[b].gradient), 1e-3 * std::sqrt(all));
    const double error = norms[b].error == 0 ? 0 : std::sqrt(norms[b].error) / scale;
    if (!(error <= result.error)) {
      result.error = std::isfinite(error) ? error : HUGE_VAL;
      result.worst = blocks[b].name;
    }
  }
  return result;
}

}  // namespace optiform::testing
