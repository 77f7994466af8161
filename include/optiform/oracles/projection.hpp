// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <optiform/core/math.hpp>
#include <optiform/core/parameters.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Adds a matrix that writes to the residual stream: it starts at N(0, 0.02^2 / (2 layers)), so
/// that the stream of a deep network does not grow, or at zero, so that a layer starts as the
/// identity.
///
/// Source    Radford et al., GPT-2, section 2.3.
inline Index add_projection(ParameterTable& table, std::string name, Index out, Index in,
                            Index layers, bool zero_start) {
  const double deviation = 0.02 / math::sqrt(2 * static_cast<double>(layers));
  return table.add(std::move(name), Role::matrix, {out, in},
                   zero_start ? Initialisation::value(0) : Initialisation::normal(deviation));
}

OPTIFORM_NAMESPACE_END
