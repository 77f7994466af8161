// SPDX-License-Identifier: MIT
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/heavy_ball.hpp>

#include "parity.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("parity with PyTorch, Cpu in float: vanilla, heavy ball") {
  check_parity<Usual<GradientDescent>, Cpu, float>("vanilla");
  check_parity<Usual<HeavyBall>, Cpu, float>("heavy_ball");
}
