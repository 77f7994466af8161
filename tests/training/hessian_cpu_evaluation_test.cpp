// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>

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

TEST_CASE("Hessian: differences on the CPU backend come close in double and in float") {
  CHECK(Curved<TripleMomentum, DualCpu, Cpu, double>().difference_error() < 1e-6);
  CHECK(Curved<TripleMomentum, DualCpu, Cpu, float>().difference_error() < 1e-2);
}

TEST_CASE("Hessian: differences leave parameters to the bit and gradients at zero") {
  auto trainer = evaluated::trainer<TripleMomentum, Cpu, float>();
  const auto text = evaluated::text();
  const auto batches = evaluated::batches(text);
  const auto state = trainer->state()[0], gradients = trainer->gradients();
  const auto* values = static_cast<const float*>(state.data);
  const std::vector<float> before(values, values + state.size);
  ParameterVector v, out;
  draw_normal(trainer->parameters(), Rng(1), v);
  DifferenceHessian(*trainer, batches)(v, out);
  CHECK(std::equal(before.begin(), before.end(), values));
  CHECK(norm(out) > 0);
  const auto* g = static_cast<const float*>(gradients.data);
  CHECK(std::all_of(g, g + gradients.size, [](float x) { return x == 0; }));
}

}  // namespace
