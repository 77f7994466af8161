// SPDX-License-Identifier: MIT
// expect: add: template <UnitShape S, class V> static void backward\(const V\* const\* operand,
#include <optiform/rules/operation.hpp>

using namespace optiform;

struct Twice {
  static constexpr const char* name = "twice";
  static constexpr int operands = 1;
  static constexpr Unit operand[] = {Unit::row};
  static constexpr Unit result = Unit::row;
  template <UnitShape S>
  static constexpr Index workspace = 0;
  template <UnitShape S, class V>
  static void forward(const V* const* x, V* y, V*) {
    for (int i = 0; i < S.size(Unit::row); ++i) y[i] = x[0][i] + x[0][i];
  }
#ifdef CONTROL
  template <UnitShape S, class V>
  static void backward(const V* const*, const V* adjoint, V* const* x_adjoint, V*) {
    for (int i = 0; i < S.size(Unit::row); ++i) x_adjoint[0][i] = adjoint[i] + adjoint[i];
  }
#endif
  template <UnitShape S>
  static constexpr double forward_operations() {
    return S.size(Unit::row);
  }
  template <UnitShape S>
  static constexpr double backward_operations() {
    return S.size(Unit::row);
  }
};

template <RowOperation Operation>
struct Kernel {};
Kernel<Twice> kernel;
