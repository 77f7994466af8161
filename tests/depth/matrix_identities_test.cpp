// SPDX-License-Identifier: MIT
// What the equations of rules with row operations promise, on whole networks.
#include <doctest/doctest.h>

#include <optiform/cpu/reference.hpp>

#include "matrix_networks.hpp"

namespace optiform::testing {
namespace {

constexpr double never = -1e4;  // the sigmoid of this is zero

template <class R>
using Tiny = TinyMatrixModel<R, Reference>;

}  // namespace

TEST_CASE("network: Muon without memory is Ortho, SOAP without memory Shampoo") {
  Tiny<Muon> muon;
  Tiny<Ortho> ortho;
  ortho.copy_from(muon);
  CHECK(relative_error(muon.logits(), ortho.logits()) > 1e-2);
  muon.set_raw("beta", never);
  CHECK(relative_error(muon.logits(), ortho.logits()) < 1e-12);
  Tiny<Soap> soap;
  Tiny<Shampoo> shampoo;
  shampoo.copy_from(soap);
  CHECK(relative_error(soap.logits(), shampoo.logits()) > 1e-2);
  soap.set_raw("beta1", never);
  CHECK(relative_error(soap.logits(), shampoo.logits()) < 1e-12);
}

}  // namespace optiform::testing
