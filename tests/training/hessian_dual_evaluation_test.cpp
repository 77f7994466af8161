// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "curved_model.hpp"

using namespace optiform;
using evaluated::Curved;
using optiform::testing::relative_error;

namespace {

TEST_CASE("Hessian: dual numbers on the CPU backend are dual numbers on the reference") {
  Curved<TripleMomentum> reference;
  Curved<TripleMomentum, DualCpu> fast;
  const auto v = reference.direction(7);
  ParameterVector a, b;
  reference.exact(v, a);
  fast.exact(v, b);
  CHECK(relative_error(b, a) < 1e-13);
}

}  // namespace
