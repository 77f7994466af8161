// SPDX-License-Identifier: MIT
#include "folding.hpp"

namespace optiform::testing {
namespace {

template <class Network>
void check_exactly() {
  check_folding<Network, Reference, double>(1e-12);
}

constexpr AttentionOptions biased_attention{.biases = true};
constexpr MlpOptions biased_mlp{.biases = true};
constexpr DepthOptions biased_norms{.velocity_norm = Norm::biased_layer_norm,
                                    .pre_norm = Norm::biased_layer_norm};

}  // namespace

TEST_CASE("folding: every option of a block") {
  using R = TripleMomentum;
  SUBCASE("no velocity norm") {
    check_exactly<FoldNetwork<R, DepthOptions{.velocity_norm = Norm::none}>>();
  }
  SUBCASE("RMSNorm") {
    check_exactly<FoldNetwork<R, DepthOptions{.velocity_norm = Norm::rms_norm}>>();
  }
  SUBCASE("zero velocity start") {
    check_exactly<FoldNetwork<R, DepthOptions{.start = StreamStart::zeros}>>();
  }
  SUBCASE("a shared gain") {
    check_exactly<FoldNetwork<Nesterov, DepthOptions{.shared_gain = true}>>();
  }
  SUBCASE("read-out") { check_exactly<FoldNetwork<WithReadOut<R>>>(); }
}

TEST_CASE("folding: oracles and splittings") {
  SUBCASE("Euler") {
    check_exactly<
        LanguageModel<fold_shape, Layer<Euler, ResidualBlock<TripleMomentum, CausalAttention>,
                                        ResidualBlock<TripleMomentum, GatedMlp<Silu>>>>>();
  }
  SUBCASE("biases") {
    check_exactly<
        LanguageModel<fold_shape, TransformerLayer<TripleMomentum, Attention<biased_attention>,
                                                   Mlp<GeluTanh, biased_mlp>, biased_norms>>>();
  }
}

TEST_CASE("folding: a hybrid of two rules hands the scale of its velocity on") {
  using Network =
      LanguageModel<fold_shape, Stack<FoldLayers<TripleMomentum>>, Stack<FoldLayers<Nesterov>>>;
  const Network::on<Reference, double> model({.vocabulary = 13, .context = 6, .layers = {1, 2}});
  Buffer<double> values(model.parameters().total());
  model.initialise(values.data(), 3);
  Rng rng(4);
  for (const auto& p : model.parameters().entries())
    for (Index i = 0; i < p.size; ++i) values[p.offset + i] += 0.3 * rng.normal();
  const auto tokens = ids(rng, 6, 13);
  const auto logits = [&](const auto& of, const double* parameters) {
    ReferenceContext context;
    auto workspace = of.workspace(1, 6, Pass::evaluation);
    std::vector<double> out(6 * 13);
    of.logits(context, parameters, workspace, tokens.data(), out.data());
    return out;
  };
  const auto folded = fold(model, values.data());
  CHECK(largest_error(logits(folded.model, folded.values.data()), logits(model, values.data())) <=
        1e-12);
}

}  // namespace optiform::testing
