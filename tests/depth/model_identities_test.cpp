// SPDX-License-Identifier: MIT
// The identities of identities_test.cpp once more, on whole networks.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <optiform/cpu/reference.hpp>
#include <optiform/depth/language_model.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>
#include <optiform/rules/adam.hpp>
#include <optiform/rules/adam_w.hpp>
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/nesterov.hpp>
#include <optiform/rules/rms_prop.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "../support/tiny_model.hpp"

using namespace optiform;
using optiform::testing::relative_error, optiform::testing::TinyModel;

namespace {

constexpr ModelShape shape{.width = 18, .heads = 3, .hidden = 11};
constexpr DepthOptions bare{.velocity_norm = Norm::none};
constexpr double never = -1e4;  // the sigmoid of this is zero

template <class Rule, DepthOptions Options = DepthOptions{}>
using Network = LanguageModel<shape, TransformerLayer<Rule, CausalAttention, Mlp<Gelu>, Options>>;
template <class Rule, DepthOptions Options = DepthOptions{}>
using Tiny = TinyModel<Network<Rule, Options>, Reference, double>;

/// Names of the steps of a two-layer model in order: "layers.0." and "_attn", ...
struct StepName {
  std::string layer, suffix;
  std::string raw(const std::string& coefficient) const {
    return layer + coefficient + suffix + "_raw";
  }
  std::string norm(const std::string& name) const { return layer + name + suffix + ".weight"; }
};
const std::vector<StepName> steps = {
    {"layers.0.", "_attn"}, {"layers.0.", "_mlp"}, {"layers.1.", "_attn"}, {"layers.1.", "_mlp"}};

double inverse_sigmoid(double value) { return std::log(value / (1 - value)); }
double inverse_softplus(double value) { return std::log(std::expm1(value)); }

}  // namespace

TEST_CASE("network: triple momentum with nu = 1 is Nesterov, with mu = 0 heavy ball") {
  Tiny<TripleMomentum> tmm;
  Tiny<Nesterov> nesterov;
  Tiny<HeavyBall> heavy_ball;
  nesterov.copy_from(tmm);
  heavy_ball.copy_from(tmm);
  CHECK(relative_error(tmm.logits(), nesterov.logits()) > 1e-2);
  tmm.set_raw("nu", inverse_softplus(1));
  CHECK(relative_error(tmm.logits(), nesterov.logits()) < 1e-13);
  CHECK(relative_error(tmm.logits(), heavy_ball.logits()) > 1e-2);
  tmm.set_raw("mu", never);
  nesterov.set_raw("mu", never);
  CHECK(relative_error(tmm.logits(), heavy_ball.logits()) < 1e-13);
  CHECK(nesterov.logits() == heavy_ball.logits());
}

TEST_CASE("network: AdamW without decay is Adam, Adam without momentum is RMSProp") {
  Tiny<AdamW> adam_w;
  Tiny<Adam> adam;
  Tiny<RmsProp> rms_prop;
  adam.copy_from(adam_w);
  rms_prop.copy_from(adam_w);
  CHECK(relative_error(adam_w.logits(), adam.logits()) > 1e-2);
  adam_w.set_raw("lambda", never);
  CHECK(relative_error(adam_w.logits(), adam.logits()) < 1e-13);
  CHECK(relative_error(adam.logits(), rms_prop.logits()) > 1e-2);
  adam.set_raw("beta1", never);
  CHECK(relative_error(adam.logits(), rms_prop.logits()) < 1e-13);
}

TEST_CASE("network: without norm, memory and look-ahead it is the ordinary Transformer") {
  Tiny<TripleMomentum, bare> tmm;
  Tiny<GradientDescent> vanilla;
  vanilla.copy_from(tmm);
  CHECK(relative_error(tmm.logits(), vanilla.logits()) > 1e-2);
  tmm.set_raw("mu", never);
  tmm.set_raw("beta", never);
  tmm.set_raw("gamma", inverse_softplus(1));
  tmm.set_raw("nu", inverse_softplus(1));
  CHECK(relative_error(tmm.logits(), vanilla.logits()) < 1e-13);
}

TEST_CASE("network: nu is a gauge of mu, beta and the gain") {
  // TMM(mu_k, beta_k, gamma_k, nu_k, w_k) is Nesterov(mu_k / nu_{k-1}, beta_k / nu_{k-1}, gamma_k,
  // nu_k w_k), with nu_0 = 1.
  Tiny<TripleMomentum> tmm;
  for (const auto& step : steps) {  // so that the ratios stay below one
    *tmm.at(step.raw("mu")) -= 2;
    *tmm.at(step.raw("beta")) -= 2;
  }
  Tiny<Nesterov> nesterov;
  nesterov.copy_from(tmm);
  double before = 1;
  for (const auto& step : steps) {
    const double nu = softplus(*tmm.at(step.raw("nu")));
    for (const char* name : {"mu", "beta"}) {
      const double value = sigmoid(*tmm.at(step.raw(name))) / before;
      REQUIRE(value < 1);
      *nesterov.at(step.raw(name)) = inverse_sigmoid(value);
    }
    double* gain = nesterov.at(step.norm("ln_v"));
    for (Index i = 0; i < shape.width; ++i) gain[i] *= nu;
    before = nu;
  }
  CHECK(relative_error(tmm.logits(), nesterov.logits()) < 1e-12);

  // Its gradient: <w_k, dw_k> = nu_k dnu_k + mu_{k+1} dmu_{k+1} + beta_{k+1} dbeta_{k+1}.
  tmm.loss_and_gradients();
  const auto term = [&](const StepName& step, const char* name) {
    const double raw = *tmm.at(step.raw(name)), by_raw = *tmm.gradient(step.raw(name));
    const double s = sigmoid(raw);  // value * d/dvalue
    return name == std::string("nu") ? softplus(raw) * by_raw / s : by_raw / (1 - s);
  };
  for (std::size_t k = 0; k + 1 < steps.size(); ++k) {
    double of_gain = 0;
    for (Index i = 0; i < shape.width; ++i)
      of_gain += tmm.at(steps[k].norm("ln_v"))[i] * tmm.gradient(steps[k].norm("ln_v"))[i];
    const double others =
        term(steps[k], "nu") + term(steps[k + 1], "mu") + term(steps[k + 1], "beta");
    CHECK(std::fabs(of_gain - others) <= 1e-10 * std::fabs(of_gain));
  }
}

TEST_CASE("network: the step size gamma folds into the oracle's last matrix") {
  Tiny<TripleMomentum> tmm, folded;
  folded.copy_from(tmm);
  for (const auto& step : steps) {
    const double gamma = softplus(*tmm.at(step.raw("gamma")));
    *folded.at(step.raw("gamma")) = inverse_softplus(1);
    const bool attention = step.suffix == "_attn";
    double* matrix = folded.at(step.layer + (attention ? "attn.out_proj" : "mlp.w2") + ".weight");
    const Index inputs = attention ? shape.width : shape.hidden;
    for (Index i = 0; i < shape.width * inputs; ++i) matrix[i] *= gamma;
  }
  CHECK(relative_error(folded.logits(), tmm.logits()) < 1e-12);
}

TEST_CASE("network: beta and gamma count by their ratio, up to the norm's epsilon") {
  Tiny<TripleMomentum> tmm, scaled, other;
  scaled.copy_from(tmm);
  other.copy_from(tmm);
  for (const auto& step : steps) {
    const double beta = sigmoid(*tmm.at(step.raw("beta")));
    const double gamma = softplus(*tmm.at(step.raw("gamma")));
    *scaled.at(step.raw("beta")) = inverse_sigmoid(0.7 * beta);
    *scaled.at(step.raw("gamma")) = inverse_softplus(0.7 * gamma);
    *other.at(step.raw("gamma")) = inverse_softplus(0.7 * gamma);
  }
  CHECK(relative_error(scaled.logits(), tmm.logits()) < 1e-4);
  CHECK(relative_error(other.logits(), tmm.logits()) > 1e-2);
}

namespace {

/// A fixed mixing of channels, well away from a multiple of the identity.
double mixing(Index i, Index j) {
  return (i == j ? 1.5 : 0.) +
         0.3 * std::sin(1.0 + 3.0 * static_cast<double>(i) + 7.0 * static_cast<double>(j));
}

/// The oracle O followed by the fixed right multiplier: g P.
template <class O>
struct Multiplied {
  using gradient_oracle_concept = gradient_oracle_tag;
  static constexpr std::string_view name = O::name;

  template <class Backend, class T, ModelShape Shape>
  class on : public O::template on<Backend, T, Shape> {
    using Base = typename O::template on<Backend, T, Shape>;
    static constexpr Index d = Shape.width;

   public:
    using Context = context_t<Backend>;
    static void forward(Context& context, const T* parameters, const typename Base::Parameters& at,
                        std::byte* arena, const typename Base::Cache& cache,
                        const typename Base::Scratch& scratch, Index batch, Index length,
                        const T* y, T* g) {
      Base::forward(context, parameters, at, arena, cache, scratch, batch, length, y, g);
      multiply(g, g, batch * length, false);
    }
    static void backward(Context& context, const T* parameters, T* gradients,
                         const typename Base::Parameters& at, std::byte* arena,
                         const typename Base::Cache& cache, const typename Base::Scratch& scratch,
                         Index batch, Index length, const T* y, const T* g_gradient,
                         T* y_gradient) {
      std::vector<T> before(static_cast<std::size_t>(batch * length * d));
      multiply(g_gradient, before.data(), batch * length, true);
      Base::backward(context, parameters, gradients, at, arena, cache, scratch, batch, length, y,
                     before.data(), y_gradient);
    }

   private:
    static void multiply(const T* in, T* out, Index rows, bool transposed) {
      for (Index r = 0; r < rows; ++r) {
        T row[d];
        for (Index j = 0; j < d; ++j) {
          row[j] = T(0);
          for (Index i = 0; i < d; ++i)
            row[j] += in[r * d + i] * T(transposed ? mixing(j, i) : mixing(i, j));
        }
        for (Index j = 0; j < d; ++j) out[r * d + j] = row[j];
      }
    }
  };
};

}  // namespace

TEST_CASE("network: a fixed right multiplier of an oracle is absorbed by its last matrix") {
  using Plain = Tiny<TripleMomentum>;
  using Mixed =
      TinyModel<LanguageModel<shape, TransformerLayer<TripleMomentum, Multiplied<CausalAttention>,
                                                      Multiplied<Mlp<Gelu>>>>,
                Reference, double>;
  Plain plain;
  Mixed mixed;
  mixed.copy_from(plain);
  CHECK(relative_error(mixed.logits(), plain.logits()) > 1e-2);
  const auto matrices = {std::pair{"attn.out_proj.weight", shape.width},
                         std::pair{"mlp.w2.weight", shape.hidden}};
  for (const std::string layer : {"layers.0.", "layers.1."})
    for (const auto& [name, inputs] : matrices) {
      const double* w = mixed.at(layer + name);
      double* absorbed = plain.at(layer + name);
      for (Index j = 0; j < shape.width; ++j)
        for (Index k = 0; k < inputs; ++k) {
          double sum = 0;
          for (Index i = 0; i < shape.width; ++i) sum += mixing(i, j) * w[i * inputs + k];
          absorbed[j * inputs + k] = sum;
        }
    }
  CHECK(relative_error(mixed.logits(), plain.logits()) < 1e-12);
  // Both oracles are differentiated alike: what the multiplied one learns, the plain one learns.
  CHECK(mixed.loss_and_gradients() == doctest::Approx(plain.loss_and_gradients()).epsilon(1e-13));
  const double* a = mixed.gradient("tok_emb.weight");
  const double* b = plain.gradient("tok_emb.weight");
  for (Index i = 0; i < shape.width; ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-10));
}
