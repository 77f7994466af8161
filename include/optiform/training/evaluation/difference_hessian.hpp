// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/training/evaluation/parameter_vector.hpp>
#include <optiform/training/evaluation/random_crops.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

inline void require_difference_step(double step) {
  if (!(step >= 0)) fail("difference step is ", step, "; expected 0 (by precision) or more");
}

}  // namespace detail

/// Products with the Hessian of a trainer's mean loss over some batches, by central differences of
/// its exact gradients: two gradients per product, in the trainer's own precision.
///
///   H v = (g(theta + h v) - g(theta - h v)) / 2h,   h = step ||theta|| / ||v||
///
/// Contract  the trainer is allocated for training, its batch and length are the batches'. While
///           this lives parameters come back to where they were after every product, and gradients
///           are cleared.
/// Limits    a step that is too small drowns in rounding, one too large in third derivatives.
/// See       AnyExactModel, which has no step.
class DifferenceHessian {
 public:
  /// step = 0 takes 3e-5 for float, 1e-6 for double.
  /// Errors  batches of another size than the trainer's; a negative step; as MovedParameters.
  DifferenceHessian(AnyTrainer& trainer, const TokenBatches& batches, double step = 0)
      : trainer_(trainer),
        batches_(batches),
        gradients_(trainer.gradients()),
        moved_(trainer),
        distance_(norm(moved_.start())) {
    const TrainerOptions& o = trainer.options();
    if (batches.batch != o.batch || batches.length != o.length)
      fail("batches are ", batches.batch, " x ", batches.length, " tokens; expected the trainer's ",
           o.batch, " x ", o.length);
    detail::require_difference_step(step);
    distance_ *= step > 0 ? step : gradients_.dtype == DType::f64 ? 1e-6 : 3e-5;
  }

  void operator()(const ParameterVector& v, ParameterVector& out) {
    const double length = norm(v);
    out.assign(v.size(), 0.0);
    if (length == 0) return;
    const double h = distance_ / length;
    for (const double side : {h, -h}) {
      moved_.move(side, v);
      batches_.each([&](const std::int32_t* tokens, const std::int32_t* targets) {
        trainer_.accumulate(tokens, targets);
      });
      // accumulate() divides by its number of passes per update.
      const double factor = static_cast<double>(trainer_.options().accumulate) /
                            (2 * side * static_cast<double>(batches_.count));
      detail::with_scalar(gradients_.dtype, gradients_.data, [&](auto* g) {
        for (std::size_t i = 0; i < out.size(); ++i) {
          out[i] += factor * static_cast<double>(g[i]);
          g[i] = 0;
        }
      });
    }
    moved_.move(0, v);
  }

 private:
  AnyTrainer& trainer_;
  const TokenBatches& batches_;
  StateVector gradients_;
  MovedParameters moved_;
  double distance_;
};

OPTIFORM_NAMESPACE_END
