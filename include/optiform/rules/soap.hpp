// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/shampoo.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// SOAP in depth as published there: Shampoo of a running mean. It has neither an eigenbasis nor a
/// left factor.
///
///   m' = beta1 m + (1 - beta1) g,   R' = betaR R + (1 - betaR) G^T G
///   x' = x + gamma normalise(m' R'^(-1/2))
///
/// Limits    beta1 = 0 is Shampoo.
/// Source    Vyas et al., "SOAP: improving and stabilizing Shampoo using Adam", 2024; in depth:
///           arXiv 2605.24425.
template <class Root>
struct BasicSoap : BasicShampoo<Root> {
  Row m = this->stream("first_moment", {.prefix = "m"});
  Scalar beta1 = this->unit("beta1", 0.5);

  constexpr void step(Row g) {
    m = beta1 * m + (1 - beta1) * g;
    BasicShampoo<Root>::step(m, g);
  }
};
using Soap = BasicSoap<CoupledInverseRoot<>>;

OPTIFORM_NAMESPACE_END
