// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/cpu.hpp>

#include "matrix_networks.hpp"

namespace optiform::testing {

TEST_CASE_TEMPLATE("Cpu trains matrix rules as Reference does", R, Ortho, Muon, Shampoo, Soap) {
  TinyMatrixModel<R, Reference> reference;
  TinyMatrixModel<R, Cpu> cpu;
  CHECK(cpu.loss_and_gradients() == doctest::Approx(reference.loss_and_gradients()).epsilon(1e-12));
  const std::vector<double> found(cpu.gradients.begin(), cpu.gradients.end());
  const std::vector<double> expected(reference.gradients.begin(), reference.gradients.end());
  CHECK(relative_error(found, expected) < 1e-8);
}

}  // namespace optiform::testing
