// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>

#include "curved_model.hpp"

using namespace optiform;
using evaluated::Curved;

namespace {

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
