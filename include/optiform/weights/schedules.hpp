// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What a learning rate does between the warm-up and the last step.
///
///   cosine   half a cosine from the peak to the final rate
///   wsd      warm-up, stable, decay: constant, then a straight line from `decay_from` on
///   linear   a straight line from the peak to the final rate
enum class Decay { cosine, wsd, linear };

/// Reads a decay by name. Throws Error if there is none of that name.
inline Decay decay_named(std::string_view name) {
  if (name == "cosine") return Decay::cosine;
  if (name == "wsd") return Decay::wsd;
  if (name == "linear") return Decay::linear;
  fail("schedule '", name, "' is unknown; expected cosine, wsd or linear");
}

/// The learning rate as a function of the step: warm-up from zero, then a decay.
///
///   t < warmup    peak * t / warmup
///   otherwise     peak * (f + (1 - f) * shape(progress)), progress = (t - start) / (steps - start)
///
/// Units     steps counted from 0; `final_fraction` is relative to `peak`.
/// Contract  a plain value; evaluating it changes nothing.
/// Limits    step 0 has rate 0 when warmup > 0; rate(warmup) = peak; rate(steps) and everything
///           after it is peak * final_fraction; final_fraction = 1 is a constant rate.
/// Errors    `validate` throws Error when the numbers contradict each other.
/// Source    cosine: Loshchilov, Hutter, "SGDR", ICLR 2017; wsd: Hu et al., "MiniCPM", 2024.
struct Schedule {
  Decay decay = Decay::cosine;
  double peak = 1e-3;
  Index warmup = 0;
  Index steps = 1;
  Index decay_from = 0;  ///< wsd only: first step of the straight line
  double final_fraction = 0.1;

  double operator()(Index step) const {
    if (step < warmup) return peak * static_cast<double>(step) / static_cast<double>(warmup);
    const Index start = decay == Decay::wsd ? decay_from : warmup;
    if (step <= start) return peak;
    const double progress =
        step >= steps ? 1 : static_cast<double>(step - start) / static_cast<double>(steps - start);
    constexpr double pi = 3.141592653589793238;
    const double shape =
        decay == Decay::cosine ? 0.5 * (1 + math::cos(pi * progress)) : 1 - progress;
    return peak * (final_fraction + (1 - final_fraction) * shape);
  }

  void validate() const {
    if (!(peak > 0) || !math::isfinite(peak))
      fail("learning rate is ", peak, "; expected a positive number");
    if (steps < 1) fail("steps is ", steps, "; expected at least 1");
    if (warmup < 0) fail("warm-up is ", warmup, " steps; expected 0 or more");
    if (warmup > steps)
      fail("warm-up is ", warmup, " steps but the run has only ", steps,
           "; expected warm-up <= steps");
    if (!(final_fraction >= 0 && final_fraction <= 1))
      fail("final fraction of the learning rate is ", final_fraction, "; expected 0 to 1");
    if (decay == Decay::wsd && (decay_from < warmup || decay_from > steps))
      fail("decay starts at step ", decay_from, "; expected between the warm-up (", warmup,
           ") and the last step (", steps, ")");
  }
};

OPTIFORM_NAMESPACE_END
