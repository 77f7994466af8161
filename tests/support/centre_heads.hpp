// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/operations.hpp>

namespace optiform::testing {

// [operation]
/// A row operation of a user: what the heads of a token have in common is taken away.
struct CentreHeads {
  static constexpr const char* name = "centre_heads";
  static constexpr int operands = 1;
  static constexpr Unit operand[] = {Unit::row};
  static constexpr Unit result = Unit::row;

  template <UnitShape S>
  static constexpr Index workspace = 0;

  /// out[h, i] = in[h, i] - mean over heads of in[., i]
  template <UnitShape S, class V>
  static void forward(const V* const* operand, V* out, V*) {
    const V* const in = operand[0];
    for (int i = 0; i < S.head_dim; ++i) {
      V mean(0);
      for (int h = 0; h < S.heads; ++h) mean = mean + in[h * S.head_dim + i];
      mean = mean / V(S.heads);
      for (int h = 0; h < S.heads; ++h) out[h * S.head_dim + i] = in[h * S.head_dim + i] - mean;
    }
  }
  /// A symmetric projection is its own derivative.
  template <UnitShape S, class V>
  static void backward(const V* const*, const V* adjoint, V* const* operand_adjoint, V* workspace) {
    forward<S, V>(&adjoint, operand_adjoint[0], workspace);
  }

  template <UnitShape S>
  static constexpr double forward_operations() {
    return 2. * S.size(Unit::row);
  }
  template <UnitShape S>
  static constexpr double backward_operations() {
    return forward_operations<S>();
  }
};
// [operation]

// [rule]
/// Gradient descent along centred heads.
struct CentredDescent : Rule {
  using Operations = TypeList<CentreHeads>;
  Scalar gamma = positive("gamma", ln2);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) { x += gamma * normalise(apply<CentreHeads>(g)); }
};
// [rule]

}  // namespace optiform::testing
