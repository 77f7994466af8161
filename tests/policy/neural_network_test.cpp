// SPDX-License-Identifier: MIT
// The two-layer network of neural PPO-Clip, and how it is fitted.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <optiform/core/error.hpp>
#include <optiform/policy/networks/averaged_descent.hpp>
#include <optiform/policy/networks/cumulative.hpp>
#include <optiform/policy/networks/features.hpp>
#include <optiform/policy/networks/two_layer_relu.hpp>

using namespace optiform;

namespace {

/// Dense features of a user.
struct Waves {
  static Index inputs(int, int) { return 6; }
  static void write(int, int, int state, int action, double* x) {
    for (int i = 0; i < 6; ++i) x[i] = std::cos(1.0 + i * (state + 1) + 2.5 * action);
  }
};

struct Blank : Waves {
  static void write(int, int, int, int, double*) {}
};

/// f(x) by its definition.
double plain_value(const TwoLayerRelu<double>& network, const double* alpha, FeatureRow<double> x) {
  double sum = 0;
  for (Index i = 0; i < network.width(); ++i) {
    double hidden = 0;
    for (int j = 0; j < x.count; ++j)
      hidden += x.value[j] * alpha[x.input[j] * network.stride() + i];
    sum += (network.signs()[i] > 0 ? 1 : -1) * std::fmax(0, hidden);
  }
  return sum / std::sqrt(static_cast<double>(network.width()));
}

std::vector<double> gradient(const TwoLayerRelu<double>& network, const double* alpha,
                             FeatureRow<double> x) {
  std::vector<double> out(static_cast<std::size_t>(network.parameters()));
  network.each_derivative(alpha, x, 1, [&](Index column, const double* change) {
    for (Index i = 0; i < TwoLayerRelu<double>::block; ++i)
      out[static_cast<std::size_t>(column + i)] += change[i];
  });
  return out;
}

template <class Features>
void check_network_derivative(Index width) {
  const auto features = FeatureTable<double>::of<Features>(4, 3);
  const TwoLayerRelu<double> network(features.inputs(), width, 7);
  std::vector<double> alpha(network.initial(), network.initial() + network.parameters());
  for (Index pair = 0; pair < features.pairs(); ++pair) {
    const auto x = features.row(pair);
    const double value = network.value(alpha.data(), x);
    CHECK(value == doctest::Approx(plain_value(network, alpha.data(), x)).epsilon(1e-13));
    const auto g = gradient(network, alpha.data(), x);
    double along = 0, squared = 0;
    for (std::size_t i = 0; i < alpha.size(); ++i) {
      along += alpha[i] * g[i];
      squared += g[i] * g[i];
    }
    CHECK(along == doctest::Approx(value).epsilon(1e-12));  // homogeneous
    double length = 0;
    for (int j = 0; j < x.count; ++j) length += x.value[j] * x.value[j];
    CHECK(squared <= length + 1e-12);
    for (Index neuron = 0; neuron < width; ++neuron) {
      double hidden = 0;
      for (int j = 0; j < x.count; ++j)
        hidden +=
            x.value[j] * alpha[static_cast<std::size_t>(x.input[j] * network.stride() + neuron)];
      if (std::abs(hidden) < 1e-4) continue;  // a kink
      for (Index input = 0; input < features.inputs(); ++input) {
        const auto at = static_cast<std::size_t>(input * network.stride() + neuron);
        const double kept = alpha[at], h = 1e-6;
        alpha[at] = kept + h;
        const double above = network.value(alpha.data(), x);
        alpha[at] = kept - h;
        const double below = network.value(alpha.data(), x);
        alpha[at] = kept;
        REQUIRE(std::abs(g[at] - (above - below) / (2 * h)) < 1e-8);
      }
    }
  }
}

/// Projected averaged descent, every iterate written out.
struct Plain {
  std::vector<double> now, mean;
  int projections = 0;

  void run(const TwoLayerRelu<double>& network, const FeatureTable<double>& features,
           DescentOptions options, std::uint64_t seed) {
    const auto n = static_cast<std::size_t>(network.parameters());
    now.assign(network.initial(), network.initial() + n);
    mean.assign(n, 0);
    Rng rng(seed);
    const auto steps = static_cast<double>(options.samples);
    for (std::int64_t i = 0; i < options.samples; ++i) {
      for (std::size_t j = 0; j < n; ++j) mean[j] += now[j] / steps;
      const auto pair = static_cast<Index>(rng.below(static_cast<std::uint64_t>(features.pairs())));
      const double target = rng.normal();
      const auto x = features.row(pair);
      const double residual = plain_value(network, now.data(), x) - target;
      const auto g = gradient(network, now.data(), x);
      double distance = 0;
      for (std::size_t j = 0; j < n; ++j) {
        now[j] -= options.step_scale / std::sqrt(steps) * residual * g[j];
        distance += std::pow(now[j] - network.initial()[j], 2);
      }
      distance = std::sqrt(distance);
      if (distance <= options.radius) continue;
      ++projections;
      for (std::size_t j = 0; j < n; ++j)
        now[j] = network.initial()[j] + options.radius / distance * (now[j] - network.initial()[j]);
    }
  }
};

}  // namespace

TEST_CASE("TwoLayerRelu: value by definition, derivative against central differences") {
  check_network_derivative<PairIndicators>(40);
  check_network_derivative<StateActionIndicators>(33);
  check_network_derivative<Waves>(7);
}

TEST_CASE("TwoLayerRelu: weights have variance 1 / d, signs are even, the seed decides") {
  const TwoLayerRelu<double> network(25, 4000, 3), same(25, 4000, 3), other(25, 4000, 4);
  double sum = 0, squares = 0, signs = 0;
  for (Index i = 0; i < network.width(); ++i) {
    signs += network.signs()[i] > 0 ? 1 : -1;
    for (Index j = 0; j < 25; ++j) {
      const double w = network.initial()[j * network.stride() + i];
      sum += w;
      squares += w * w;
    }
  }
  CHECK(std::abs(sum / 1e5) < 3 * 0.2 / std::sqrt(1e5));
  CHECK(squares / 1e5 == doctest::Approx(1.0 / 25).epsilon(0.02));
  CHECK(std::abs(signs) < 3 * std::sqrt(4000.0));
  CHECK(network.initial()[12345] == same.initial()[12345]);
  CHECK(network.initial()[12345] != other.initial()[12345]);
  // A narrower network has the same first neurons.
  const TwoLayerRelu<double> narrow(25, 10, 3);
  for (Index i = 0; i < 10; ++i)
    CHECK(narrow.initial()[7 * narrow.stride() + i] == network.initial()[7 * network.stride() + i]);
}

TEST_CASE("AveragedDescent: the mean of the iterates and the projections, as written out") {
  const auto check = [](const FeatureTable<double>& features, double radius) {
    const TwoLayerRelu<double> network(features.inputs(), 50, 5);
    const DescentOptions options{.samples = 300, .step_scale = 3, .radius = radius};
    Plain plain;
    plain.run(network, features, options, 9);
    AveragedDescent<double> descent(network.parameters(), options);
    descent.begin(network, nullptr);
    Rng rng(9);
    double farthest = 0;
    for (std::int64_t i = 0; i < options.samples; ++i) {
      const auto pair = static_cast<Index>(rng.below(static_cast<std::uint64_t>(features.pairs())));
      const double target = rng.normal();
      const auto x = features.row(pair);
      descent.step(network, x, network.value(descent.iterate(), x) - target);
      farthest = std::fmax(farthest, descent.distance(network));
    }
    CHECK(farthest <= radius * (1 + 1e-12));
    CHECK(descent.projections() == plain.projections);
    for (Index i = 0; i < network.parameters(); ++i) {
      REQUIRE(std::abs(descent.iterate()[i] - plain.now[static_cast<std::size_t>(i)]) < 1e-12);
      REQUIRE(std::abs(descent.result()[i] - plain.mean[static_cast<std::size_t>(i)]) < 1e-12);
    }
    return plain.projections;
  };
  const auto pairs = FeatureTable<double>::of<PairIndicators>(3, 4);
  const auto shared = FeatureTable<double>::of<StateActionIndicators>(3, 4);
  CHECK(check(pairs, 100) == 0);
  CHECK(check(pairs, 0.5) > 20);
  CHECK(check(shared, 100) == 0);
  CHECK(check(shared, 0.5) > 20);
}

TEST_CASE("AveragedDescent: a warm start outside the ball is projected at once") {
  const auto features = FeatureTable<double>::of<PairIndicators>(2, 2);
  const TwoLayerRelu<double> network(features.inputs(), 8, 1);
  std::vector<double> far(static_cast<std::size_t>(network.parameters()), 10.0);
  AveragedDescent<double> descent(
      network.parameters(),
      {.samples = 1, .radius = 0.25, .averaged = false, .from_initial = false});
  descent.begin(network, far.data());
  CHECK(descent.distance(network) == doctest::Approx(0.25));
  CHECK(descent.projections() == 1);
}

TEST_CASE("networks: senseless options and features are refused by name") {
  CHECK_THROWS_WITH_AS(AveragedDescent<double>(4, {.samples = 0}),
                       "samples = 0, expected at least 1", Error);
  CHECK_THROWS_AS(AveragedDescent<double>(4, {.radius = 0}), Error);
  CHECK_THROWS_AS(AveragedDescent<double>(4, {.step_scale = -1}), Error);
  CHECK_THROWS_AS(TwoLayerRelu<double>(0, 4), Error);
  CHECK_THROWS_AS(TwoLayerRelu<double>(4, 0), Error);
  CHECK_THROWS_WITH_AS(FeatureTable<double>::of<Blank>(2, 2),
                       "the features of state 0, action 0 are all zero", Error);
  CHECK_THROWS_AS(Cumulative(std::vector<double>{0, 0}), Error);
}

TEST_CASE("Cumulative: draws as often as the weights say, never what has none") {
  const Cumulative draw(std::vector<double>{0, 1, 0, 3, 0});
  Rng rng(1);
  int count[5] = {};
  for (int i = 0; i < 40000; ++i) ++count[draw.draw(rng)];
  CHECK(count[0] + count[2] + count[4] == 0);
  CHECK(count[3] == doctest::Approx(30000).epsilon(0.02));
}
