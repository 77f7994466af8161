// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/rules/program.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Computes the values of a program that are the same for every row of one run, in double.
/// Shapes  value: [graph.nodes], by node; other nodes' entries are left as they are.
template <class T>
void launch_values(const Graph& graph, const RowArguments<T>& a, double* value) {
  for (short i = 0; i < graph.nodes; ++i) {
    const Node& n = graph.node[i];
    if (n.frequency != Frequency::launch) continue;
    const double x = n.a >= 0 ? value[n.a] : 0, y = n.b >= 0 ? value[n.b] : 0;
    // clang-format off
    switch (n.op) {
      case Op::coefficient: value[i] = static_cast<double>(a.coefficient[n.index]); break;
      case Op::constant: value[i] = n.value; break;
      case Op::length: value[i] = static_cast<double>(a.length); break;
      case Op::reciprocal_length: value[i] = 1 / static_cast<double>(a.length); break;
      case Op::bias_correction: value[i] = 1 - math::pow(x, a.clock); break;
      case Op::add: value[i] = x + y; break;
      case Op::subtract: value[i] = x - y; break;
      case Op::multiply: value[i] = x * y; break;
      case Op::divide: value[i] = x / y; break;
      case Op::negate: value[i] = -x; break;
      case Op::square: value[i] = x * x; break;
      case Op::root: value[i] = math::sqrt(x); break;
      case Op::sign: value[i] = sign(x); break;
      default: break;
    }
    // clang-format on
  }
}

OPTIFORM_NAMESPACE_END
