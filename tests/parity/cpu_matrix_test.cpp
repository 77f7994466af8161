// SPDX-License-Identifier: MIT
#include <optiform/rules/muon.hpp>
#include <optiform/rules/soap.hpp>

#include "parity.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("parity with PyTorch, Cpu in double: Ortho, Muon, Shampoo, SOAP") {
  check_parity<Usual<Ortho>, Cpu, double>("ortho_layers");
  check_parity<Usual<Muon>, Cpu, double>("muon_layers");
  check_parity<Usual<BasicShampoo<UncoupledInverseRoot>>, Cpu, double>("shampoo_layers");
  check_parity<Usual<BasicSoap<UncoupledInverseRoot>>, Cpu, double>("soap_layers");
}
