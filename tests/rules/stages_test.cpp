// SPDX-License-Identifier: MIT
// How programs with row operations are cut into stages, and that nothing is overwritten too early.
#include <doctest/doctest.h>

#include <string>

#include "../support/centre_heads.hpp"
#include "boundary_derivative.hpp"

namespace optiform::testing {
namespace {

template <class R>
using Meeting = Boundary<Dynamics<R, DepthOptions{}, 1>, Dynamics<R, DepthOptions{}, 1>>;

/// "row", "square", or the operation's name with "'" for its adjoint, stage by stage.
template <class P>
std::string stages_of() {
  std::string out;
  const Stages& stages = Staged<P>::value;
  for (short i = 0; i < stages.stages; ++i) {
    const Stage& s = stages.stage[i];
    const Node* n = s.is_rows() ? nullptr : &P::graph.node[s.node];
    out += i > 0 ? " " : "";
    out += n == nullptr ? (s.unit == Unit::row ? "row" : "square") : n->operation->name;
    if (n != nullptr && n->op == Op::adjoints) out += "'";
  }
  return out;
}

/// Its adjoints read what other adjoints overwrite: v' needs x', and both keep a part of the old.
struct Entangled : Rule {
  using Operations = TypeList<CentreHeads>;
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x + apply<CentreHeads>(v); }
  constexpr void step(Row g) {
    x = beta * x + apply<CentreHeads>(g * v);
    v = beta * v + apply<CentreHeads>(x) * g;
  }
};

/// One coefficient for a row and a square.
struct Sharing : Rule {
  Square r = covariance("covariance", Init::zeros);
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r = beta * r + gram(g) / 2.0 + (1 - beta) * gram(x);
    x = beta * x + normalise(precondition<UncoupledInverseRoot>(g, r - 0.1 * gram(g)));
  }
};

}  // namespace

TEST_CASE("an operation stands between the program that makes its operand and what reads it") {
  CHECK(stages_of<Forward<Meeting<Ortho>>>() == "orthogonalise row");
  CHECK(stages_of<Forward<Meeting<Muon>>>() == "row orthogonalise row");
  CHECK(stages_of<Backward<Meeting<Muon>>>() == "row orthogonalise row orthogonalise' row");
  CHECK(stages_of<Forward<Meeting<Shampoo>>>() == "gram square precondition row");
  CHECK(stages_of<Backward<Meeting<Soap>>>() ==
        "row gram square precondition row precondition' row square gram' row");
}

TEST_CASE("operands that are outputs or inputs need no buffer, and buffers are used again") {
  // The moment is stored, the covariance too; the update lies between.
  CHECK(Staged<Forward<Meeting<Muon>>>::value.buffers == 1);
  CHECK(Staged<Forward<Meeting<Ortho>>>::value.buffers == 1);
  const Stages& soap = Staged<Backward<Meeting<Soap>>>::value;
  int squares = 0;
  for (short b = 0; b < soap.buffers; ++b) squares += soap.buffer_unit[b] == Unit::square;
  CHECK(squares <= 3);
}

TEST_CASE("programs without operations have no stages") {
  CHECK_FALSE(Forward<Meeting<TripleMomentum>>::graph.is_staged());
  CHECK_FALSE(Backward<Meeting<AdamW>>::graph.is_staged());
  CHECK(Forward<Meeting<Muon>>::graph.is_staged());
  // Squares that are passed on are not rows of the width.
  CHECK(Backward<Opening<Dynamics<Soap, DepthOptions{}, 1>, true>>::graph.is_staged());
}

TEST_CASE("a store that overwrites an adjoint waits for the operations that read it") {
  BoundaryRun<Entangled, Cpu, double, Norm::none, 3> run(37, 15, 4);
  run.forward<15>();
  run.backward<15>(false);
  const auto apart = run.gradient;
  run.backward<15>(true);
  CHECK(run.gradient == apart);
  check_boundary<Entangled, Reference, Norm::none, 15, 3>(2, 15, 5);
  check_boundary<Entangled, Cpu, Norm::none, 15, 3>(18, 15, 6);
}

TEST_CASE("a coefficient of rows and squares collects from both") {
  check_boundary<Sharing, Reference, Norm::layer_norm, 12, 3>(2, 12, 7, 1e-5);
  check_boundary<Sharing, Cpu, Norm::layer_norm, 12, 3>(17, 12, 8, 1e-5);
}

TEST_CASE("a rule may bring an operation of its own") {
  check_boundary<CentredDescent, Reference, Norm::layer_norm, 20, 4>(3, 20, 9);
  check_boundary<CentredDescent, Cpu, Norm::layer_norm, 20, 4>(18, 20, 9);
  CHECK(std::string(operation_tag<CentreHeads>.name) == "centre_heads");
}

}  // namespace optiform::testing
