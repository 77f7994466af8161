// SPDX-License-Identifier: MIT
#include "gradients.hpp"

namespace optiform::testing {

TEST_CASE_TEMPLATE("gradients of whole models are those of the loss", R, GradientDescent, HeavyBall,
                   Nesterov, TripleMomentum, RmsProp, Adam, AdamW) {
  check_model_gradients<OddModel<R>>();
}

TEST_CASE("gradients of the smallest model: one feature, one head") {
  check_model_gradients<
      LanguageModel<unit_shape, TransformerLayer<GradientDescent, CausalAttention, Mlp<Gelu>>>>();
}

}  // namespace optiform::testing
