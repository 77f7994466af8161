// SPDX-License-Identifier: MIT
// What the equations of rules with row operations promise, on whole networks.
#include <doctest/doctest.h>

#include <cmath>

#include <optiform/cpu/reference.hpp>
#include <optiform/optiform.hpp>

#include "../support/tiny_model.hpp"

namespace optiform::testing {
namespace {

constexpr ModelShape shape{.width = 18, .heads = 3, .hidden = 11};
constexpr double never = -1e4;  // the sigmoid of this is zero

template <class R, DepthOptions Options = DepthOptions{}>
using Usual = TransformerLayer<R, CausalAttention, Mlp<Gelu>, Options>;
template <class R>
using Network = LanguageModel<shape, Usual<R>>;
template <class R, class Backend = Reference, class T = double>
using Tiny = TinyModel<Network<R>, Backend, T>;

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double error = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error = std::fmax(error, std::fabs(a[i] - b[i]));
    scale = std::fmax(scale, std::fabs(b[i]));
  }
  return error / scale;
}

}  // namespace

TEST_CASE("network: Muon without memory is Ortho, SOAP without memory Shampoo") {
  Tiny<Muon> muon;
  Tiny<Ortho> ortho;
  ortho.copy_from(muon);
  CHECK(difference(muon.logits(), ortho.logits()) > 1e-2);
  muon.set_raw("beta", never);
  CHECK(difference(muon.logits(), ortho.logits()) < 1e-12);
  Tiny<Soap> soap;
  Tiny<Shampoo> shampoo;
  shampoo.copy_from(soap);
  CHECK(difference(soap.logits(), shampoo.logits()) > 1e-2);
  soap.set_raw("beta1", never);
  CHECK(difference(soap.logits(), shampoo.logits()) < 1e-12);
}

}  // namespace optiform::testing
