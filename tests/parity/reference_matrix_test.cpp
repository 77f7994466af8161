// SPDX-License-Identifier: MIT
#include <optiform/rules/muon.hpp>
#include <optiform/rules/soap.hpp>

#include "parity.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("parity with PyTorch, reference in double: Ortho, Muon, Shampoo, SOAP") {
  check_parity<Usual<Ortho>, Reference, double>("ortho_layers");
  check_parity<Usual<Muon>, Reference, double>("muon_layers");
  check_parity<Usual<BasicShampoo<UncoupledInverseRoot>>, Reference, double>("shampoo_layers");
  check_parity<Usual<BasicSoap<UncoupledInverseRoot>>, Reference, double>("soap_layers");
}
