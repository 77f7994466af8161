// SPDX-License-Identifier: MIT
// Rules whose streams are matrices: the same measurements.
#include <doctest/doctest.h>

#include "hybrid_checks.hpp"
#include "layer_checks.hpp"

using namespace optiform;

TEST_CASE("Inspector: matrices pass plain layers too") {
  evaluated::check_hybrids<Soap, Reference, double>();
}

TEST_CASE("LayerMap: products through a covariance and its root are of one matrix") {
  evaluated::check_products<Soap, DualCpu>();
}
