// SPDX-License-Identifier: MIT
// What the equations of the rules promise, checked on the rules' own row programs. The same
// identities on whole models are in model_identities_test.cpp.
#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <string_view>
#include <vector>

#include <optiform/core/random.hpp>
#include <optiform/cpu/reference_rows.hpp>
#include <optiform/rules/adam.hpp>
#include <optiform/rules/adam_w.hpp>
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/nesterov.hpp>
#include <optiform/rules/program.hpp>
#include <optiform/rules/rms_prop.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "../support/random_data.hpp"

using namespace optiform;
using optiform::testing::relative_error;

namespace {

using Row64 = std::vector<double>;

/// Buffers: x, the streams, g; results: x', the streams'.
template <class Rule, Norm norm>
struct StepOnly {
  static constexpr Graph build() {
    const Recording& r = recording<Rule>;
    Graph g;
    Splice splice(g, r, {.norm = norm, .unit_rate = true});
    g.inputs = static_cast<short>(r.streams + 2);
    for (short i = 0; i < g.inputs; ++i) splice.bind(i, g.input(i));
    g.coefficients = r.coefficients;
    g.columns = r.norms;
    g.stores = static_cast<short>(r.streams + 1);
    for (short s = 0; s < g.stores; ++s) g.emit(Sink::store, s, splice.copy(r.now[s]));
    return g;
  }
  static constexpr InPlace in_place{};
};

/// Buffers: x, the streams; result: the query.
template <class Rule>
struct QueryOnly {
  static constexpr Graph build() {
    const Recording& r = recording<Rule>;
    Graph g;
    Splice splice(g, r, {.unit_rate = true});
    g.inputs = static_cast<short>(r.streams + 1);
    for (short i = 0; i < g.inputs; ++i) splice.bind(i, g.input(i));
    g.coefficients = r.coefficients;
    g.stores = 1;
    g.emit(Sink::store, 0, splice.copy(r.query));
    return g;
  }
  static constexpr InPlace in_place{};
};

/// A rule that runs row by row on `T`, one step at a time.
template <class Rule, Norm norm, class T = double>
struct Iteration {
  static constexpr short streams = recording<Rule>.streams;
  std::vector<T> x;
  std::vector<std::vector<T>> stream;
  std::vector<T> gain;

  Iteration(Rng& rng, Index width, double scale = 1) : x(testing::normal<T>(rng, width, scale)) {
    for (short s = 0; s < streams; ++s) stream.push_back(testing::normal<T>(rng, width, scale));
    // The last stream of the adaptive rules is a sum of squares.
    if (recording<Rule>.streams > 0 && recording<Rule>.stream[streams - 1].init == Init::ones)
      stream.back().assign(x.size(), T(1));
    gain = testing::uniform<T>(rng, width, 0.5, 1.5);
  }

  std::vector<T> query(const Row64& c) const {
    std::vector<T> out(x.size());
    auto a = arguments(c);
    a.output[0] = out.data();
    ReferenceRows<Forward<QueryOnly<Rule>>, T>::run(a);
    return out;
  }
  void step(const std::vector<T>& g, const Row64& c) {
    Iteration next = *this;
    auto a = arguments(c);
    a.input[streams + 1] = g.data();
    a.column[0] = gain.data();
    a.output[0] = next.x.data();
    for (std::size_t s = 0; s < stream.size(); ++s) a.output[s + 1] = next.stream[s].data();
    ReferenceRows<Forward<StepOnly<Rule, norm>>, T>::run(a);
    *this = next;
  }

 private:
  RowArguments<T> arguments(const Row64& c) const {
    RowArguments<T> a;
    a.rows = 1;
    a.length = static_cast<Index>(x.size());
    a.input[0] = x.data();
    for (std::size_t s = 0; s < stream.size(); ++s) a.input[s + 1] = stream[s].data();
    for (std::size_t i = 0; i < c.size(); ++i) a.coefficient[i] = c[i];
    return a;
  }
};

/// A fixed nonlinear oracle, the same for every rule.
template <class T>
std::vector<T> oracle(const std::vector<T>& q) {
  std::vector<T> g(q.size());
  for (std::size_t i = 0; i < q.size(); ++i)
    g[i] = std::sin(T(3) * q[i]) - T(0.5) * q[(i + 1) % q.size()];
  return g;
}

/// Largest difference of the iterates over some steps; 0 means the same bits.
template <class A, class B, class T>
double apart(A a, B b, const Row64& of_a, const Row64& of_b, T) {
  b.x = a.x;
  b.gain = a.gain;
  double worst = 0;
  for (int k = 0; k < 24; ++k) {
    a.step(oracle(a.query(of_a)), of_a);
    b.step(oracle(b.query(of_b)), of_b);
    for (std::size_t i = 0; i < a.x.size(); ++i)
      worst = std::fmax(worst, std::fabs(static_cast<double>(a.x[i] - b.x[i])));
  }
  return worst;
}

constexpr Index width = 19;
constexpr auto with = Norm::layer_norm;
constexpr auto without = Norm::none;

}  // namespace

TEST_CASE("triple momentum with nu = 1 is Nesterov, with mu = 0 heavy ball, bit for bit in float") {
  Rng rng(1);
  Iteration<TripleMomentum, with, float> tmm(rng, width);
  Iteration<Nesterov, with, float> nesterov(rng, width);
  Iteration<HeavyBall, with, float> heavy_ball(rng, width);
  nesterov.stream = heavy_ball.stream = tmm.stream;
  // Coefficient order: mu, beta, gamma, nu; the pinned ones are not read.
  CHECK(apart(tmm, nesterov, {0.37, 0.81, 0.6, 1}, {0.37, 0.81, 0.6, 99}, 0.f) == 0);
  CHECK(apart(tmm, heavy_ball, {0, 0.81, 0.6, 1}, {99, 0.81, 0.6, 99}, 0.f) == 0);
  CHECK(apart(nesterov, heavy_ball, {0, 0.81, 0.6, 1}, {99, 0.81, 0.6, 99}, 0.f) == 0);
  // And they are different rules otherwise.
  CHECK(apart(tmm, nesterov, {0.37, 0.81, 0.6, 0.9}, {0.37, 0.81, 0.6, 1}, 0.f) > 1e-2);
  CHECK(apart(nesterov, heavy_ball, {0.37, 0.81, 0.6, 1}, {0, 0.81, 0.6, 1}, 0.f) > 1e-2);
}

TEST_CASE("AdamW without decay is Adam, Adam without momentum is RMSProp") {
  Rng rng(2);
  Iteration<AdamW, with> adam_w(rng, width);
  Iteration<Adam, with> adam(rng, width);
  Iteration<RmsProp, with> rms_prop(rng, width);
  adam.stream = adam_w.stream;
  rms_prop.stream = {adam.stream[1]};
  // Coefficient order as recorded: beta1, beta2, gamma, epsilon, then lambda.
  const auto set = [](const Recording& r, double beta1, double lambda) {
    Row64 c;
    for (short i = 0; i < r.coefficients; ++i) {
      const std::string_view name = r.coefficient[i].name;
      c.push_back(name == "beta1"     ? beta1
                  : name == "beta2"   ? 0.7
                  : name == "gamma"   ? 0.4
                  : name == "epsilon" ? 1e-8
                                      : lambda);
    }
    return c;
  };
  const Row64 of_adam = set(recording<Adam>, 0.3, 0), no_momentum = set(recording<Adam>, 0, 0);
  CHECK(apart(adam_w, adam, set(recording<AdamW>, 0.3, 0), of_adam, 0.) < 1e-13);
  CHECK(apart(adam_w, adam, set(recording<AdamW>, 0.3, 0.1), of_adam, 0.) > 1e-2);
  CHECK(apart(adam, rms_prop, no_momentum, set(recording<RmsProp>, 0, 0), 0.) < 1e-13);
  CHECK(apart(adam, rms_prop, of_adam, set(recording<RmsProp>, 0, 0), 0.) > 1e-2);
}

TEST_CASE("gradient descent is triple momentum without norm, memory and look-ahead") {
  Rng rng(3);
  Iteration<TripleMomentum, without> tmm(rng, width);
  Iteration<GradientDescent, without> descent(rng, width);
  CHECK(apart(tmm, descent, {0, 0, 1, 1}, {1}, 0.) < 1e-14);
  // With the norm it is normalised gradient descent instead.
  Iteration<HeavyBall, with> ball(rng, width);
  const Row64 x = ball.x, g = testing::normal(rng, width);
  const Row64 gain = ball.gain;
  ball.step(g, {0, 0, 0.6, 1});
  double mean = 0, variance = 0;
  for (const double v : g) mean += 0.6 * v / width;
  for (const double v : g) variance += (0.6 * v - mean) * (0.6 * v - mean) / width;
  Row64 expected = x;
  for (std::size_t i = 0; i < g.size(); ++i)
    expected[i] += gain[i] * (0.6 * g[i] - mean) / std::sqrt(variance + 1e-5);
  CHECK(relative_error(ball.x, expected) < 1e-14);
}

TEST_CASE("RMSProp that never forgets is gradient descent on normalised directions") {
  Rng rng(4);
  Iteration<RmsProp, without> rms_prop(rng, width);
  Row64 expected = rms_prop.x;
  Row64 c;
  for (short i = 0; i < recording<RmsProp>.coefficients; ++i) {
    const std::string_view name = recording<RmsProp>.coefficient[i].name;
    c.push_back(name == "beta2" ? 1 : name == "gamma" ? 0.4 : 1e-8);
  }
  for (int k = 0; k < 5; ++k) {
    const Row64 g = testing::normal(rng, width);
    for (std::size_t i = 0; i < g.size(); ++i) expected[i] += 0.4 * g[i] / (1 + 1e-8);
    rms_prop.step(g, c);
  }
  CHECK(relative_error(rms_prop.x, expected) < 1e-14);
}

TEST_CASE("under a norm only the ratio of beta and gamma matters") {
  // The norm's epsilon breaks the scaling; rows of size 1e5 make it 1e-15 of their variance.
  Rng rng(5);
  Iteration<TripleMomentum, with> a(rng, width, 1e5);
  auto b = a;
  const Row64 g = testing::normal(rng, width, 1e5);
  a.step(g, {0.3, 0.8, 0.5, 1.3});
  b.step(g, {0.3, 0.8 / 0.5, 1, 1.3});
  CHECK(relative_error(a.x, b.x) < 1e-13);
  CHECK(relative_error(a.stream[0], b.stream[0]) < 1e-13);
  // A positive factor of the whole row does not matter either.
  Row64 half = g;
  for (double& v : half) v *= 0.5;
  auto c = b;
  for (double& v : c.stream[0]) v *= 0.5;
  auto d = b;
  d.step(g, {0.3, 0.8, 0.5, 1.3});
  c.step(half, {0.3, 0.8, 0.5, 1.3});
  CHECK(relative_error(c.x, d.x) < 1e-13);
}

TEST_CASE("the derivatives of beta and gamma cancel up to the norm's epsilon, exactly") {
  // <beta d beta> + <gamma d gamma> = sum over rows of <a, n> epsilon / (variance + epsilon),
  // a the adjoint of the normalised row n (times its gain).
  using Step = StepOnly<TripleMomentum, with>;
  for (const double scale : {1e-2, 1., 1e4}) {
    Rng rng(6);
    const Index rows = 3, n = rows * width;
    const Row64 x = testing::normal(rng, n), v = testing::normal(rng, n, scale);
    const Row64 g = testing::normal(rng, n, scale), gain = testing::uniform(rng, width, 0.5, 1.5);
    const Row64 x_adjoint = testing::normal(rng, n), v_adjoint = testing::normal(rng, n);
    const Row64 c = {0.3, 0.8, 0.5, 1.3};
    Row64 x_next(x.size()), v_next(x.size());
    Row64 statistics(static_cast<std::size_t>(rows * Forward<Step>::graph.statistics));
    RowArguments<double> a;
    a.rows = rows;
    a.length = width;
    a.input[0] = x.data();
    a.input[1] = v.data();
    a.input[2] = g.data();
    a.column[0] = gain.data();
    for (std::size_t i = 0; i < c.size(); ++i) a.coefficient[i] = c[i];
    a.statistic = statistics.data();
    a.output[0] = x_next.data();
    a.output[1] = v_next.data();
    ReferenceRows<Forward<Step>, double>::run(a);

    Row64 dx(x.size()), dv(x.size()), dg(x.size()), dgain(gain.size()), dc(4);
    a.input[3] = x_adjoint.data();
    a.input[4] = v_adjoint.data();
    a.output[0] = dx.data();
    a.output[1] = dv.data();
    a.output[2] = dg.data();
    a.coefficient_gradient = dc.data();
    a.column_gradient[0] = dgain.data();
    ReferenceRows<Backward<Step>, double>::run(a);

    double expected = 0, terms = 0;
    for (Index r = 0; r < rows; ++r) {
      double mean = 0, variance = 0, product = 0;
      const auto u = [&](Index i) {
        const auto at = static_cast<std::size_t>(r * width + i);
        return c[1] * v[at] + c[2] * g[at];
      };
      for (Index i = 0; i < width; ++i) mean += u(i) / width;
      for (Index i = 0; i < width; ++i) variance += (u(i) - mean) * (u(i) - mean) / width;
      const double deviation = std::sqrt(variance + 1e-5);
      for (Index i = 0; i < width; ++i) {
        const auto at = static_cast<std::size_t>(r * width + i);
        const double adjoint = v_adjoint[at] + c[3] * x_adjoint[at];
        product += adjoint * gain[static_cast<std::size_t>(i)] * (u(i) - mean) / deviation;
        terms += std::fabs(dv[at] * v[at]) + std::fabs(dg[at] * g[at]);
      }
      expected += product * 1e-5 / (variance + 1e-5);
    }
    INFO("scale ", scale);
    CHECK(std::fabs(c[1] * dc[1] + c[2] * dc[2] - expected) < 1e-14 * terms);
    CHECK(std::fabs(dc[1]) > 1e-6 * terms);  // the two do not vanish one by one
  }
}

TEST_CASE("without a norm momentum is a second-order filter of the oracle's outputs") {
  Rng rng(7);
  Iteration<TripleMomentum, without> tmm(rng, width);
  const Row64 x0 = tmm.x, v0 = tmm.stream[0];
  const int steps = 12;
  Row64 beta, gamma, nu;
  std::vector<Row64> g;
  for (int k = 0; k < steps; ++k) {
    beta.push_back(rng.uniform(0.2, 0.95));
    gamma.push_back(rng.uniform(0.2, 1.5));
    nu.push_back(rng.uniform(0.5, 1.5));
    g.push_back(testing::normal(rng, width));
    tmm.step(g.back(), {0.4, beta.back(), gamma.back(), nu.back()});
  }
  // x_K = x_0 + sum_k nu_k (v_0 prod_{i<=k} beta_i + sum_{j<=k} gamma_j prod_{j<i<=k} beta_i g_j)
  Row64 expected = x0;
  const auto at = [](int k) { return static_cast<std::size_t>(k); };
  for (std::size_t e = 0; e < x0.size(); ++e)
    for (int k = 0; k < steps; ++k) {
      double of_start = v0[e];
      for (int i = 0; i <= k; ++i) of_start *= beta[at(i)];
      expected[e] += nu[at(k)] * of_start;
      for (int j = 0; j <= k; ++j) {
        double of_j = gamma[at(j)] * g[at(j)][e];
        for (int i = j + 1; i <= k; ++i) of_j *= beta[at(i)];
        expected[e] += nu[at(k)] * of_j;
      }
    }
  CHECK(relative_error(tmm.x, expected) < 1e-14);
}

TEST_CASE("constant coefficients: impulse response and slope of the filter") {
  Rng rng(8);
  const double beta = 0.8, gamma = 0.6, nu = 1.2;
  Iteration<TripleMomentum, without> tmm(rng, 1);
  tmm.stream[0] = {0.};
  tmm.x = {0.};
  Iteration<GradientDescent, without> descent(rng, 1);
  descent.x = {0.};
  auto slope = tmm;
  double previous = 0;
  for (int n = 0; n < 200; ++n) {
    const Row64 impulse = {n == 0 ? 1. : 0.};
    tmm.step(impulse, {0.5, beta, gamma, nu});
    descent.step(impulse, {1});
    const double response = nu * gamma * (1 - std::pow(beta, n + 1)) / (1 - beta);
    CHECK(tmm.x[0] == doctest::Approx(response).epsilon(1e-13));
    CHECK(descent.x[0] == 1);  // a first-order integrator
    previous = slope.x[0];
    slope.step({1.}, {0.5, beta, gamma, nu});
  }
  CHECK(slope.x[0] - previous == doctest::Approx(nu * gamma / (1 - beta)).epsilon(1e-12));
}

namespace {

/// x, v -> x', v' with the oracle g = -lambda q inside the program; -lambda is the last
/// coefficient.
struct LinearMode {
  static constexpr Graph build() {
    const Recording& r = recording<TripleMomentum>;
    Graph g;
    Splice splice(g, r, {.norm = Norm::none, .unit_rate = true});
    splice.bind(0, g.input(0));
    splice.bind(1, g.input(1));
    const short query = splice.copy(r.query);
    splice.bind(2, g.multiply(g.coefficient(r.coefficients), query));
    g.inputs = g.stores = 2;
    g.coefficients = static_cast<short>(r.coefficients + 1);
    g.emit(Sink::store, 0, splice.copy(r.now[0]));
    g.emit(Sink::store, 1, splice.copy(r.now[1]));
    return g;
  }
};

struct Linear {
  double mu, beta, gamma, nu, lambda;

  double trace() const { return 1 + beta - gamma * lambda * (mu + nu); }
  double determinant() const { return beta - gamma * lambda * mu; }
  bool stable() const {
    return std::fabs(determinant()) < 1 && gamma * lambda * nu > 0 &&
           2 * (1 + beta) > gamma * lambda * (2 * mu + nu);
  }
  /// Largest modulus of the roots of z^2 - trace z + determinant.
  double radius() const {
    const std::complex<double> root =
        std::sqrt(std::complex<double>(trace() * trace() / 4 - determinant()));
    return std::fmax(std::abs(trace() / 2 + root), std::abs(trace() / 2 - root));
  }
  /// The iterates of the rule from (x, v).
  Row64 iterate(double x, double v, int steps) const {
    Row64 out = {x};
    RowArguments<double> a;
    a.rows = a.length = 1;
    const double c[] = {mu, beta, gamma, nu, -lambda};
    for (int i = 0; i < 5; ++i) a.coefficient[i] = c[i];
    for (int k = 0; k < steps; ++k) {
      const double from[] = {x, v};
      a.input[0] = &from[0];
      a.input[1] = &from[1];
      a.output[0] = &x;
      a.output[1] = &v;
      ReferenceRows<Forward<LinearMode>, double>::run(a);
      out.push_back(x);
    }
    return out;
  }
};

}  // namespace

TEST_CASE("on a linear oracle the rule follows its characteristic polynomial") {
  Rng rng(9);
  int stable = 0;
  for (int trial = 0; trial < 200; ++trial) {
    const Linear mode{rng.uniform(), rng.uniform(), rng.uniform(0, 2), rng.uniform(0, 2),
                      rng.uniform(0, 3)};
    const Row64 x = mode.iterate(rng.normal(), rng.normal(), 12);
    double scale = 0, worst = 0;
    for (std::size_t k = 1; k + 1 < x.size(); ++k) {
      scale = std::fmax(scale, std::fabs(x[k]));
      worst = std::fmax(worst,
                        std::fabs(x[k + 1] - mode.trace() * x[k] + mode.determinant() * x[k - 1]) /
                            (std::fabs(x[k]) + std::fabs(x[k - 1])));
    }
    CHECK(worst < 1e-13);
    // Jury's criterion says whether the iterates die out.
    if (std::fabs(mode.radius() - 1) < 0.05) continue;
    CHECK(mode.stable() == (mode.radius() < 1));
    const double last = std::fabs(mode.iterate(1, 0.3, 300).back());
    CHECK((last < 1e-3) == mode.stable());
    stable += mode.stable();
  }
  CHECK(stable > 20);
  CHECK(stable < 180);
}

TEST_CASE("classical special cases of the linear mode") {
  const double lambda = 0.7, beta = 0.6, gamma = 0.9;
  const Linear nesterov{beta, beta, gamma, 1, lambda};  // z^2 - (1+b)(1-gl) z + b(1-gl)
  CHECK(nesterov.trace() == doctest::Approx((1 + beta) * (1 - gamma * lambda)));
  CHECK(nesterov.determinant() == doctest::Approx(beta * (1 - gamma * lambda)));
  const Linear ball{0, beta, gamma, 1, lambda};  // z^2 - (1+b-gl) z + b
  CHECK(ball.trace() == doctest::Approx(1 + beta - gamma * lambda));
  CHECK(ball.determinant() == doctest::Approx(beta));
  const Linear descent{0, 0, gamma, 1.1, lambda};  // z = 1 - gamma lambda nu
  const Row64 x = descent.iterate(1, 0, 8);
  CHECK(x[8] == doctest::Approx(std::pow(1 - gamma * lambda * 1.1, 8)));

  // Triple momentum with its own parameters contracts with rate rho = 1 - 1/sqrt(kappa).
  for (const double kappa : {4., 10., 100.}) {
    const double rho = 1 - 1 / std::sqrt(kappa);
    const double step = 1 + rho, memory = rho * rho / (2 - rho);  // curvatures 1/kappa .. 1
    const double look_ahead = rho * rho / ((1 + rho) * (2 - rho));
    double worst = 0;
    for (int i = 0; i <= 400; ++i) {
      const double curvature = 1 / kappa + (1 - 1 / kappa) * i / 400;
      worst = std::fmax(worst, Linear{look_ahead, memory, step, 1, curvature}.radius());
    }
    CHECK(worst == doctest::Approx(rho).epsilon(1e-6));
  }
}
