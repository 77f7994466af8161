// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <optiform/core/parameters.hpp>
#include <optiform/core/random.hpp>
#include <optiform/training/any_trainer.hpp>
#include <optiform/training/run_state.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Numbers laid out like a model's parameters, gaps between tensors zero.
using ParameterVector = std::vector<double>;

inline double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
inline double norm(std::span<const double> a) { return std::sqrt(dot(a, a)); }

/// Draws one number per parameter: draw(rng), in the order of the table.
template <class Draw>
void draw_parameters(const ParameterTable& table, Rng rng, ParameterVector& out, Draw&& draw) {
  out.assign(static_cast<std::size_t>(table.total()), 0.0);
  for (const ParameterInfo& p : table.entries())
    for (Index i = 0; i < p.size; ++i) out[static_cast<std::size_t>(p.offset + i)] = draw(rng);
}
inline void draw_normal(const ParameterTable& table, Rng rng, ParameterVector& out) {
  draw_parameters(table, rng, out, [](Rng& r) { return r.normal(); });
}
/// Signs, each as likely as the other.
inline void draw_signs(const ParameterTable& table, Rng rng, ParameterVector& out) {
  draw_parameters(table, rng, out, [](Rng& r) { return (r.bits() & 1u) != 0 ? 1.0 : -1.0; });
}

namespace detail {

/// What moves or trains the parameters must see them in its losses.
inline void require_no_average(const AnyTrainer& trainer, std::string_view what) {
  if (trainer.options().average > 0)
    fail(
        what, " of a trainer that averages its parameters, by ", trainer.options().average,
        " a step, would be that of the average; expected one with average 0, which load_parameters "
        "gives the average of a run");
}

}  // namespace detail

/// The parameters of a trainer, moved about and put back to the bit.
///
/// Errors    a trainer that averages its parameters: what it evaluates would not move.
class MovedParameters {
 public:
  explicit MovedParameters(AnyTrainer& trainer)
      : values_(trainer.state()[0]), start_(static_cast<std::size_t>(values_.size)) {
    detail::require_no_average(trainer, "the curvature or slice");
    with_values([&](auto* x) {
      for (std::size_t i = 0; i < start_.size(); ++i) start_[i] = static_cast<double>(x[i]);
    });
  }
  MovedParameters(const MovedParameters&) = delete;
  MovedParameters& operator=(const MovedParameters&) = delete;
  ~MovedParameters() { move(0, start_); }

  /// Where they were: a double holds every float.
  const ParameterVector& start() const { return start_; }
  /// Parameters = start + factor * direction.
  void move(double factor, const ParameterVector& direction) {
    with_values([&](auto* x) {
      for (std::size_t i = 0; i < start_.size(); ++i)
        x[i] = static_cast<std::remove_reference_t<decltype(*x)>>(
            factor == 0 ? start_[i] : start_[i] + factor * direction[i]);
    });
  }

 private:
  template <class F>
  void with_values(F&& f) {
    detail::with_scalar(values_.dtype, values_.data, std::forward<F>(f));
  }
  StateVector values_;
  ParameterVector start_;
};

OPTIFORM_NAMESPACE_END
