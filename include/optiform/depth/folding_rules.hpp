// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/coefficient_values.hpp>
#include <optiform/rules/adam_w.hpp>
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/muon.hpp>
#include <optiform/rules/nadam.hpp>
#include <optiform/rules/norm.hpp>
#include <optiform/rules/rms_prop.hpp>
#include <optiform/rules/soap.hpp>
#include <optiform/rules/triple_momentum.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Momentum whose scales live in neighbouring weights: what TripleMomentum, Nesterov and HeavyBall
/// fold to.
///
///   q = x + mu v,   v' = normalise(beta v + g),   x' = x + v'
///
/// Contract  mu and beta are positive, not below one: they have been divided by the scale of the
///           velocity that comes in.
/// See       fold
struct FoldedMomentum : Rule {
  Row v = stream("velocity", {.prefix = "vel", .norm = "ln_v"});
  Scalar mu = positive("mu", 0.5), beta = positive("beta", 0.5);

  constexpr Row query() const { return x + mu * v; }
  constexpr void step(Row g) {
    v = normalise(beta * v + g);
    x += v;
  }
};

/// FoldedMomentum that asks where it stands.
struct FoldedHeavyBall : FoldedMomentum {
  constexpr FoldedHeavyBall() { pin(mu, 0); }
};

/// A rule whose normalised increment has a gain that already holds the step size.
template <class R>
struct UnitStep : R {
  constexpr UnitStep() { this->pin(this->gamma, 1); }
};

/// Where the scales of one step go.
struct StepScales {
  double oracle = 1;  ///< factor of what the oracles answer
  double gain = 1;    ///< factor of the learned vectors of the rule's norm
};

/// How a rule folds: `type`, what is left of it, and `fold`. Specialise it for a rule of your own.
///
///   static StepScales fold(const CoefficientValues& was, Norm norm, double& unit,
///                          CoefficientValues& is)
///
/// is told the coefficients of a step by name and the norm, and says in `is` what those have become
/// that change. `unit` goes from step to step, 1 at first: a folded velocity is so many times the
/// rule's. `finish(unit, constants)`, where there is one, sees the constants after the last step.
template <class R>
struct RuleFolding {
  using type = R;  // and nothing else: how it folds is not known
};

template <>
struct RuleFolding<GradientDescent> {
  using type = GradientDescent;
  static constexpr bool scales_gain = false, needs_norm = false;
  static StepScales fold(const CoefficientValues&, Norm, double&, CoefficientValues&) { return {}; }
};

namespace detail {

/// The folded velocity is nu v: with an affine norm nu goes into its vectors, without one into what
/// the norm would have seen. Exact: the norm sees beta v + gamma g as before.
///
/// Source    the gauge TMM(mu_k, beta_k, gamma_k, nu_k, w_k) = Nesterov(mu_k / nu_{k-1}, beta_k /
///           nu_{k-1}, gamma_k, nu_k w_k), nu_0 = 1.
template <class Left, bool ScalesGain>
struct MomentumFolding {
  using type = Left;
  static constexpr bool scales_gain = ScalesGain, needs_norm = false;
  static StepScales fold(const CoefficientValues& was, Norm norm, double& unit,
                         CoefficientValues& is) {
    const double nu = *was.find("nu"), seen = norm == Norm::none ? nu : 1;
    is.set("mu", *was.find("mu") / unit);
    is.set("beta", seen * *was.find("beta") / unit);
    unit = nu;
    return {.oracle = seen * *was.find("gamma"), .gain = nu};
  }
};

/// gamma goes into the vectors of the norm of the increment. Exact.
template <class R>
struct IncrementFolding {
  using type = UnitStep<R>;
  static constexpr bool scales_gain = true, needs_norm = true;
  static StepScales fold(const CoefficientValues& was, Norm, double&, CoefficientValues&) {
    return {.gain = *was.find("gamma")};
  }
};

}  // namespace detail

template <>
struct RuleFolding<TripleMomentum> : detail::MomentumFolding<FoldedMomentum, true> {};
template <>
struct RuleFolding<Nesterov> : detail::MomentumFolding<FoldedMomentum, false> {};
template <>
struct RuleFolding<HeavyBall> : detail::MomentumFolding<FoldedHeavyBall, false> {};
template <>
struct RuleFolding<RmsProp> : detail::IncrementFolding<RmsProp> {};
template <>
struct RuleFolding<Adam> : detail::IncrementFolding<Adam> {};
template <>
struct RuleFolding<AdamW> : detail::IncrementFolding<AdamW> {};
template <>
struct RuleFolding<NAdam> : detail::IncrementFolding<NAdam> {};
template <class Polynomial>
struct RuleFolding<BasicOrtho<Polynomial>> : detail::IncrementFolding<BasicOrtho<Polynomial>> {};
template <class Polynomial>
struct RuleFolding<BasicMuon<Polynomial>> : detail::IncrementFolding<BasicMuon<Polynomial>> {};
template <class Root>
struct RuleFolding<BasicShampoo<Root>> : detail::IncrementFolding<BasicShampoo<Root>> {};
template <class Root>
struct RuleFolding<BasicSoap<Root>> : detail::IncrementFolding<BasicSoap<Root>> {};

/// x + delta v reads a velocity of another scale after the last step.
template <class R>
struct RuleFolding<WithReadOut<R>> : RuleFolding<R> {
  using type = WithReadOut<typename RuleFolding<R>::type>;
  static void finish(double unit, CoefficientValues& constants) {
    constants.set("delta", *constants.find("delta") / unit);
  }
};

OPTIFORM_NAMESPACE_END
