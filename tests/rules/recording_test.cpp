// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include <optiform/core/coefficient_schedules.hpp>
#include <optiform/depth/dynamics.hpp>
#include <optiform/rules/rules.hpp>
#include <optiform/weights/weight_optimizer.hpp>

namespace optiform {
namespace {

int learned(const Recording& r) {
  int count = 0;
  for (short c = 0; c < r.coefficients; ++c)
    count += !r.coefficient[c].pinned && (r.coefficient[c].kind == CoefficientKind::unit ||
                                          r.coefficient[c].kind == CoefficientKind::positive);
  return count;
}

struct AssignsCoefficient : Rule {
  Scalar beta = unit("beta", 0.5);
  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    beta = 0.5 * beta;
    x += beta * g;
  }
};
struct NormalisesScalar : Rule {
  Scalar beta = unit("beta", 0.5);
  constexpr Row query() const { return x; }
  constexpr void step(Row g) { x += g + normalise(beta); }
};
struct ForgetsStream : Rule {
  Row v = stream("velocity");
  constexpr Row query() const { return x + v; }
  constexpr void step(Row g) { x += g; }
};
struct IgnoresOracle : Rule {
  Row v = stream("velocity");
  constexpr Row query() const { return x; }
  constexpr void step(Row) {
    v = 0.5 * v;
    x += v;
  }
};
/// Legal: locals are values, a copy of a stream is its old value.
struct UsesLocals : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.9);
  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    Row old = v;
    Scalar rest = 1 - beta;
    rest = rest * 2;
    v = beta * v + rest * g;
    x += v - old;
  }
};
/// Legal: scalars are computed with as in any program, but for coefficients.
struct ComputesScalars : Rule {
  Scalar beta = unit("beta", 0.9);
  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    Scalar w = 1 - beta;
    w *= 2;
    w += sign(beta);
    w -= 0.5;
    w /= 4;
    x += w * g;
  }
};
/// The same at once.
struct ComputedScalars : Rule {
  Scalar beta = unit("beta", 0.9);
  constexpr Row query() const { return x; }
  constexpr void step(Row g) { x += ((1 - beta) * 2 + sign(beta) - 0.5) / 4 * g; }
};
/// Within the limits that the guide names: sums for all of its coefficients in one sweep.
struct ManyStreams : Rule {
  Row a = stream("a"), b = stream("b"), c = stream("c"), d = stream("d"), e = stream("e");
  Scalar ma = unit("ma", 0.5), mb = unit("mb", 0.5), mc = unit("mc", 0.5), md = unit("md", 0.5),
         me = unit("me", 0.5);
  Scalar ba = unit("ba", 0.9), bb = unit("bb", 0.9), bc = unit("bc", 0.9), bd = unit("bd", 0.9),
         be = unit("be", 0.9);
  Scalar na = positive("na", 1), nb = positive("nb", 1), nc = positive("nc", 1),
         nd = positive("nd", 1), ne = positive("ne", 1);
  constexpr Row query() const { return x + ma * a + mb * b + mc * c + md * d + me * e; }
  constexpr void step(Row g) {
    a = ba * a + (1 - ba) * g;
    b = bb * b + (1 - bb) * g;
    c = bc * c + (1 - bc) * g;
    d = bd * d + (1 - bd) * g;
    e = be * e + (1 - be) * g;
    x += na * a + nb * b + nc * c + nd * d + ne * e;
  }
};
/// Signs in every place where simplification moves them.
struct MovesSigns : Rule {
  Row v = stream("velocity");
  Scalar gamma = unit("gamma", 0.9);
  constexpr Row query() const { return -(gamma * x) - -v; }
  constexpr void step(Row g) {
    v += gamma * (g - v);
    x += -(gamma * v) - gamma * -(-2 * g);
  }
};
struct CovarianceAsRow : Rule {
  Square r = covariance("covariance");
  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r = 0.5 * r + gram(g);
    x += r * g;
  }
};
struct RowAsCovariance : Rule {
  Square r = covariance("covariance");
  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r = g;
    x += precondition(g, r);
  }
};
struct LearnedCovariance : Rule {
  Square r = covariance("covariance", Init::learned);
  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r += gram(g);
    x += precondition(g, r);
  }
};
struct StreamFromIdentity : Rule {
  Row v = stream("velocity", Init::identity);
  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    v = g;
    x += v;
  }
};
/// Everything a square may be part of.
struct UsesSquares : Rule {
  Square r = covariance("covariance", Init::zeros);
  Scalar beta = unit("beta", 0.9);
  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    const Square old = r;
    r = beta * r + gram(g) * (1 - beta) - old / 2.0;
    r -= 0.1 * -gram(x);
    x += precondition(orthogonalise(g), r);
  }
};
struct NotARule {};
struct NoStep : Rule {
  constexpr Row query() const { return x; }
};

}  // namespace

TEST_CASE("two learned numbers per step for heavy ball, four for triple momentum and AdamW") {
  CHECK(learned(recording<GradientDescent>) == 0);
  CHECK(learned(recording<HeavyBall>) == 2);
  CHECK(learned(recording<Nesterov>) == 3);
  CHECK(learned(recording<TripleMomentum>) == 4);
  CHECK(learned(recording<RmsProp>) == 2);
  CHECK(learned(recording<Adam>) == 3);
  CHECK(learned(recording<AdamW>) == 4);
  CHECK(learned(recording<Ortho>) == 1);
  CHECK(learned(recording<Muon>) == 2);
  CHECK(learned(recording<Shampoo>) == 2);
  CHECK(learned(recording<Soap>) == 3);
}

TEST_CASE("streams and norms carry the names of the reference layout") {
  CHECK(std::string(recording<TripleMomentum>.stream[0].names.prefix) == "vel");
  CHECK(std::string(recording<TripleMomentum>.norm_name[0]) == "ln_v");
  CHECK(std::string(recording<Adam>.stream[0].names.prefix) == "m");
  CHECK(std::string(recording<Adam>.norm_name[0]) == "ln_update");
  CHECK(recording<RmsProp>.stream[0].init == Init::ones);
  CHECK(std::string(recording<Muon>.stream[0].names.prefix) == "m");
  CHECK(recording<Shampoo>.stream[0].init == Init::identity);
  CHECK(recording<Shampoo>.stream[0].unit == Unit::square);
}

TEST_CASE("faults of a rule are found while recording") {
  CHECK(Recorder::record<AssignsCoefficient>().fault == Fault::coefficient_assigned);
  CHECK(Recorder::record<NormalisesScalar>().fault == Fault::scalar_as_row);
  CHECK(Recorder::record<ForgetsStream>().fault == Fault::stream_never_written);
  CHECK(Recorder::record<IgnoresOracle>().fault == Fault::oracle_ignored);
  CHECK(Recorder::record<UsesLocals>().fault == Fault::none);
  CHECK(Recorder::record<CovarianceAsRow>().fault == Fault::square_as_row);
  CHECK(Recorder::record<RowAsCovariance>().fault == Fault::square_as_row);
  CHECK(Recorder::record<LearnedCovariance>().fault == Fault::wrong_start);
  CHECK(Recorder::record<StreamFromIdentity>().fault == Fault::wrong_start);
  CHECK(Recorder::record<UsesSquares>().fault == Fault::none);
  static_assert(UpdateRule<UsesLocals> && UpdateRule<TripleMomentum> && UpdateRule<AdamW>);
  static_assert(!UpdateRule<NotARule> && !UpdateRule<NoStep> && !UpdateRule<int>);
}

TEST_CASE("pinned coefficients fold away") {
  using Tmm = Dynamics<TripleMomentum, DepthOptions{}, 1>;
  using Yurii = Dynamics<Nesterov, DepthOptions{}, 1>;
  using Polyak = Dynamics<HeavyBall, DepthOptions{}, 1>;
  constexpr int tmm = Forward<Boundary<Tmm, Tmm>>::graph.nodes;
  constexpr int yurii = Forward<Boundary<Yurii, Yurii>>::graph.nodes;
  constexpr int polyak = Forward<Boundary<Polyak, Polyak>>::graph.nodes;
  CHECK(yurii == tmm - 2);     // nu and its product
  CHECK(polyak == yurii - 3);  // mu, its product and the sum
}

TEST_CASE("the saved state of triple momentum is four numbers per row") {
  using Tmm = Dynamics<TripleMomentum, DepthOptions{}, 1>;
  CHECK(Forward<Boundary<Tmm, Tmm>>::graph.statistics == 4);
  CHECK(Backward<Boundary<Tmm, Tmm>>::plan.sweeps == 3);
}

TEST_CASE("elementwise rules train weights in a single sweep") {
  CHECK(Forward<detail::WeightStep<AdamW>>::plan.sweeps == 1);
  CHECK(Forward<detail::WeightStep<HeavyBall>>::plan.sweeps == 1);
}

TEST_CASE("graphs share equal subexpressions, fold constants and gather coarse factors") {
  Graph g;
  const short a = g.input(0), b = g.input(1), c = g.coefficient(0), d = g.coefficient(1);
  CHECK(g.add(a, b) == g.add(b, a));
  CHECK(g.add(a, g.constant(0)) == a);
  CHECK(g.multiply(g.constant(1), a) == a);
  CHECK(g.negate(g.negate(a)) == a);
  CHECK(g.subtract(a, g.negate(b)) == g.add(a, b));
  CHECK(g.value(g.multiply(g.constant(3), g.constant(4))) == 12);
  const short product = g.multiply(c, g.multiply(d, a));
  CHECK(g.node[product].a == g.multiply(c, d));
  CHECK(g.node[product].b == a);
  CHECK(g.sum(product) == g.multiply(g.multiply(c, d), g.sum(a)));
  CHECK(g.node[g.sum(a)].frequency == Frequency::row);
  CHECK(g.node[g.divide(a, c)].op == Op::multiply);
}

TEST_CASE("scalars are assigned to and summed up, coefficients are not") {
  const Recording steps = Recorder::record<ComputesScalars>(),
                  once = Recorder::record<ComputedScalars>();
  CHECK(steps.fault == Fault::none);
  CHECK(steps.graph.nodes == once.graph.nodes);
  CHECK(steps.now[0] == once.now[0]);
}

TEST_CASE("a rule of five streams and fifteen coefficients has a backward program") {
  CHECK(Recorder::record<ManyStreams>().fault == Fault::none);
  using D = Dynamics<ManyStreams, DepthOptions{}, 1>;
  constexpr const Plan& plan = Backward<Boundary<D, D>>::plan;
  short most = 0;
  for (short s = 0; s < plan.sweeps; ++s) most = std::max(most, plan.sweep[s].sums);
  CHECK(most >= 20);
}

TEST_CASE("what no driver gives: a decay that nobody asked for is 0") {
  RowArguments<double> a;
  ScheduledCoefficients<AdamW>(CoefficientSchedules{}).set(a, 1, 0.1);
  const Recording& rule = recording<AdamW>;
  for (short c = 0; c < rule.coefficients; ++c)
    if (std::string(rule.coefficient[c].name) == "lambda") CHECK(a.coefficient[c] == 0);
  ScheduledCoefficients<AdamW>(CoefficientSchedules{{"lambda", 0.25}}).set(a, 1, 0.1);
  for (short c = 0; c < rule.coefficients; ++c)
    if (std::string(rule.coefficient[c].name) == "lambda") CHECK(a.coefficient[c] == 0.25);
}

TEST_CASE("rules may put signs anywhere") {
  CHECK(Recorder::record<MovesSigns>().fault == Fault::none);
  using D = Dynamics<MovesSigns, DepthOptions{}, 1>;
  CHECK(Backward<Boundary<D, D>>::graph.nodes > 0);
}

TEST_CASE("a graph that is too large says so") {
  Graph g;
  short last = g.input(0);
  for (int i = 0; i < Graph::capacity; ++i) last = g.add(last, g.square(last));
  CHECK(g.overflow);
}

}  // namespace optiform
