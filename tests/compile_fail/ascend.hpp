// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/policy/concepts.hpp>

/// A surrogate with whatever improvement.
template <class Step>
struct Ascend {
  using surrogate_concept = optiform::surrogate_tag;
  using Improvement = Step;

  template <class T>
  T value(const optiform::ActionPoint<T>& p) const {
    return p.ratio * p.advantage;
  }
  template <class T>
  T derivative(const optiform::ActionPoint<T>& p) const {
    return p.advantage;
  }
};

/// An improvement by a rule.
template <class R>
struct StepBy {
  using Rule = R;
  static constexpr bool needs_table = false;
};

struct NoBackend {};
