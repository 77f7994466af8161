// SPDX-License-Identifier: MIT
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/nesterov.hpp>

#include "parity.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("parity with PyTorch, reference in double: vanilla, heavy ball, Nesterov") {
  check_parity<Usual<GradientDescent>, Reference, double>("vanilla");
  check_parity<Usual<HeavyBall>, Reference, double>("heavy_ball");
  check_parity<Usual<Nesterov>, Reference, double>("nesterov");
}
