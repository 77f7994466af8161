// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/cpu.hpp>

#include "causality.hpp"
#include "matrix_networks.hpp"

namespace optiform::testing {

TEST_CASE("matrix rules keep the past from the future") {
  check_causality<MatrixNetwork<Muon>, Reference, double>();
  check_causality<MatrixNetwork<Soap>, Reference, double>();
  check_causality<MatrixNetwork<Ortho>, Cpu, float>();
  check_causality<MatrixNetwork<Shampoo>, Cpu, float>();
}

}  // namespace optiform::testing
