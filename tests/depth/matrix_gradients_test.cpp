// SPDX-License-Identifier: MIT
#include "../support/centre_heads.hpp"
#include "gradients.hpp"

namespace optiform::testing {
namespace {

/// The iterations turn within 1e-3: the step must be small against that.
template <class Model>
void check() {
  check_model_gradients<Model>(1, 1e-5, 1e-4);
}
template <class R>
using Summed =
    LanguageModel<odd_shape,
                  Layer<Euler, ResidualBlock<R, CausalAttention>, ResidualBlock<R, Mlp<Gelu>>>>;

}  // namespace

TEST_CASE_TEMPLATE("gradients of whole models of matrix rules are those of the loss", R, Ortho,
                   Muon, Shampoo, Soap) {
  check<OddModel<R>>();
}

TEST_CASE("gradients of matrix rules under every option of a block") {
  SUBCASE("no update norm") { check<OddModel<Soap, DepthOptions{.velocity_norm = Norm::none}>>(); }
  SUBCASE("RMSNorm, one gain per layer") {
    check<OddModel<Muon, DepthOptions{.velocity_norm = Norm::rms_norm, .shared_gain = true}>>();
  }
  SUBCASE("the moment from rest, the covariance from the identity") {
    using Model = OddModel<Soap, DepthOptions{.start = StreamStart::zeros}>;
    check<Model>();
    CHECK_FALSE(TinyModel<Model, Reference, double>().has("m_tok_emb.weight"));
  }
  SUBCASE("Euler splitting") { check<Summed<Soap>>(); }
  SUBCASE("an operation of a user") { check<OddModel<CentredDescent>>(); }
}

}  // namespace optiform::testing
