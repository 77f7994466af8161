// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/policy/concepts.hpp>
#include <optiform/policy/improvements/gradient_step.hpp>
#include <optiform/rules/adam.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Classifiers f of a hinge: increasing functions of the probability ratio that are 0 at ratio 1.
/// Each also carries the adaptive margin of probability slack e over to its own units.
///
/// Source    Huang, Hsieh, Ho, Wu, "PPO-Clip attains global optimality", AAAI 2024, section 3.
struct Ratio {
  template <class T>
  static T value(const ActionPoint<T>& p) {
    return p.ratio - T(1);
  }
  template <class T>
  static T derivative(const ActionPoint<T>&) {
    return T(1);
  }
  template <class T>
  static T margin(T slack, T) {
    return slack;
  }
};
struct LogRatio {
  template <class T>
  static T value(const ActionPoint<T>& p) {
    using math::log;
    return log(p.ratio);
  }
  template <class T>
  static T derivative(const ActionPoint<T>& p) {
    return T(1) / p.ratio;
  }
  template <class T>
  static T margin(T slack, T) {
    using math::log;
    return log(T(1) + slack);
  }
};
struct RootRatio {
  template <class T>
  static T value(const ActionPoint<T>& p) {
    using math::sqrt;
    return sqrt(p.ratio) - T(1);
  }
  template <class T>
  static T derivative(const ActionPoint<T>& p) {
    using math::sqrt;
    return T(0.5) / sqrt(p.ratio);
  }
  template <class T>
  static T margin(T slack, T) {
    using math::sqrt;
    return sqrt(T(1) + slack) - T(1);
  }
};
/// pi - pi_old. The smallest old probability of the state turns slack into a difference.
struct Subtraction {
  template <class T>
  static T value(const ActionPoint<T>& p) {
    return p.old_probability * (p.ratio - T(1));
  }
  template <class T>
  static T derivative(const ActionPoint<T>& p) {
    return p.old_probability;
  }
  template <class T>
  static T margin(T slack, T smallest_probability) {
    return smallest_probability * slack;
  }
};
struct SquareRatio {
  template <class T>
  static T value(const ActionPoint<T>& p) {
    return p.ratio * p.ratio - T(1);
  }
  template <class T>
  static T derivative(const ActionPoint<T>& p) {
    return T(2) * p.ratio;
  }
  template <class T>
  static T margin(T slack, T) {
    return (T(1) + slack) * (T(1) + slack) - T(1);
  }
};

/// Weights W of a hinge.
struct AbsoluteAdvantage {
  template <class T>
  static T value(const ActionPoint<T>& p) {
    using math::abs;
    return abs(p.advantage);
  }
};
struct UnitWeight {
  template <class T>
  static T value(const ActionPoint<T>&) {
    return T(1);
  }
};
/// Takes the old probability, with which an expectation counts an action, out of a weight.
///
/// Limits    0 for an action that is not available.
/// Source    the objective of corollary 2 of Huang et al. 2024.
template <class Weight>
struct WithoutProbability {
  template <class T>
  static T value(const ActionPoint<T>& p) {
    return select(p.old_probability > T(0), Weight::value(p) / p.old_probability, T(0));
  }
};

/// Margins m of a hinge, one per state.
struct ConstantMargin {
  /// Shapes  rising, falling: probability of the actions with positive and with negative advantage.
  template <class Classifier, class T>
  static T value(double epsilon, T /*rising*/, T /*falling*/, T /*smallest_probability*/) {
    return T(epsilon);
  }
  static constexpr bool per_state = false;
};
/// An action may not be asked to grow more than its siblings can release: slack
/// epsilon min(1, falling / rising), in the classifier's units.
/// Source    Yao et al., "Hinge policy optimization", 2021 (arXiv 2110.13799v2).
struct AdaptiveMargin {
  template <class Classifier, class T>
  static T value(double epsilon, T rising, T falling, T smallest_probability) {
    const T share = falling / (rising + T(1e-8));
    return Classifier::margin(T(epsilon) * select(share < T(1), share, T(1)), smallest_probability);
  }
  static constexpr bool per_state = true;
};

/// The negative hinge loss of PPO-Clip and its generalisations, to be increased:
///
///   -W max{0, m - y f(ratio)},   y = sign of the advantage
///
/// Limits    Hinge<Ratio> is PPO-Clip's surrogate up to a constant, with the same derivative except
///           at the kink, where this one is 0. Actions of advantage 0 do not count.
/// Source    Huang, Hsieh, Ho, Wu, "PPO-Clip attains global optimality", AAAI 2024, equation (6).
template <class Classifier, class Weight = AbsoluteAdvantage, class Margin = ConstantMargin,
          class Step = GradientStep<Adam>>
struct Hinge {
  using surrogate_concept = surrogate_tag;
  using Improvement = Step;

  double epsilon = 0.2;  ///< clip range, or the adaptive margin's factor

  static constexpr bool margin_per_state = Margin::per_state;

  template <class T>
  T margin(T rising, T falling, T smallest_probability) const {
    return Margin::template value<Classifier>(epsilon, rising, falling, smallest_probability);
  }
  template <class T>
  T value(const ActionPoint<T>& p) const {
    const T y = sign(p.advantage);
    const T loss = p.margin - y * Classifier::value(p);
    return select(loss > T(0), -Weight::value(p) * loss, T(0)) * y * y;
  }
  template <class T>
  T derivative(const ActionPoint<T>& p) const {
    const T y = sign(p.advantage);
    const T loss = p.margin - y * Classifier::value(p);
    return select(loss > T(0), Weight::value(p) * y * Classifier::derivative(p), T(0));
  }

 private:
  template <class T>
  static T sign(T a) {
    return select(a > T(0), T(1), select(a < T(0), T(-1), T(0)));
  }
};

OPTIFORM_NAMESPACE_END
