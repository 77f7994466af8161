// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/training/evaluation/parameter_vector.hpp>
#include <optiform/training/evaluation/random_crops.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Along which line the loss is looked at.
///
/// Source    arXiv 2605.24425, appendix G, on the crops of its sharpness; Li et al., "Visualizing
///           the loss landscape of neural nets", NeurIPS 2018, with whole tensors for filters.
struct SliceProtocol {
  Index points = 11;
  double reach = 0.5;      ///< alpha goes from -reach to reach
  Index batches = 2;       ///< of crops
  std::uint64_t seed = 0;  ///< of the crops; the direction is its stream 1

  void validate() const {
    if (points < 2) fail("points is ", points, "; expected at least 2");
    if (!(reach > 0)) fail("reach is ", reach, "; expected a positive number");
  }
  /// From -reach to reach, the middle exactly 0.
  double alpha(Index point) const {
    return reach * static_cast<double>(2 * point - (points - 1)) / static_cast<double>(points - 1);
  }
};

struct SlicePoint {
  double alpha = 0, loss = 0;
};

/// A normal direction in which every tensor is as long as the model's own.
inline void draw_scaled_direction(const ParameterTable& table, const ParameterVector& parameters,
                                  Rng rng, ParameterVector& direction) {
  draw_normal(table, rng, direction);
  for (const ParameterInfo& p : table.entries()) {
    const auto first = static_cast<std::size_t>(p.offset), size = static_cast<std::size_t>(p.size);
    const std::span<double> part(direction.data() + first, size);
    const double own = norm(std::span(parameters.data() + first, size)), drawn = norm(part);
    for (double& number : part) number *= drawn > 0 ? own / drawn : 0;
  }
}

/// The mean loss at theta + alpha d, d one direction; parameters are put back to the bit.
///
/// Shapes    crops as long as the trainer's sequences, as many to a batch as its batch.
/// Errors    a text that is shorter than a crop; as MovedParameters.
inline std::vector<SlicePoint> measure_loss_slice(AnyTrainer& trainer, TokenView text,
                                                  const SliceProtocol& protocol = {}) {
  protocol.validate();
  const TokenBatches batches = draw_batches(trainer.options(), text, protocol);
  MovedParameters moved(trainer);
  ParameterVector direction;
  draw_scaled_direction(trainer.parameters(), moved.start(), Rng(protocol.seed, 1), direction);
  std::vector<SlicePoint> slice;
  for (Index point = 0; point < protocol.points; ++point) {
    const double alpha = protocol.alpha(point);
    moved.move(alpha, direction);
    double sum = 0;
    batches.each([&](const std::int32_t* tokens, const std::int32_t* targets) {
      sum += trainer.evaluate(batches.batch, tokens, targets);
    });
    slice.push_back({alpha, sum / static_cast<double>(batches.count)});
  }
  return slice;
}

OPTIFORM_NAMESPACE_END
