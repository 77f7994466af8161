// SPDX-License-Identifier: MIT
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/heavy_ball.hpp>

#include "family.hpp"

namespace bench {

FamilyPointer make_vanilla(int threads) {
  return std::make_unique<Member<GradientDescent>>(threads);
}
FamilyPointer make_heavy_ball(int threads) { return std::make_unique<Member<HeavyBall>>(threads); }

}  // namespace bench
