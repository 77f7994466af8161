// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/core/dual.hpp>
#include <optiform/rules/operations/gram.hpp>
#include <optiform/rules/operations/orthogonalise.hpp>
#include <optiform/rules/operations/precondition.hpp>

#include "../support/gradient_check.hpp"
#include "../support/row_operations.hpp"

namespace optiform::testing {
namespace {

template <class Operation, UnitShape S>
void check_derivative(double tolerance) {
  static_assert(RowOperation<Operation>);
  INFO(Operation::name, " ", S.heads, " x ", S.head_dim);
  Rng rng(1);
  OperationCase<Operation, S> c(rng, 1);
  c.backward();
  std::vector<GradientBlock> blocks;
  for (int k = 0; k < Operation::operands; ++k)
    blocks.push_back({k == 0 ? "first" : "second", c.operand[k].data(), c.operand_adjoint[k].data(),
                      S.size(Operation::operand[k])});
  const auto loss = [&] {
    c.forward();
    return inner(c.result, c.adjoint);
  };
  const auto found = check_gradients(loss, blocks, {.step = 1e-5, .coordinates = 24});
  INFO(found.worst);
  CHECK(found.error < tolerance);

  // A dual number carries the derivative along the operands themselves.
  OperationCase<Operation, S, Dual<double>> along(c);
  double expected = 0;
  for (int k = 0; k < Operation::operands; ++k) {
    for (auto& x : along.operand[k]) x.derivative = x.value;
    expected += inner(c.operand[k], c.operand_adjoint[k]);
  }
  along.forward();
  double sum = 0;
  for (std::size_t i = 0; i < c.adjoint.size(); ++i)
    sum += along.result[i].derivative * c.adjoint[i];
  CHECK(sum == doctest::Approx(expected).epsilon(1e-9));
}

}  // namespace

TEST_CASE("orthogonalise: derivative through the iteration, wide and tall, one head to twelve") {
  check_derivative<Orthogonalise<>, UnitShape{1, 8}>(1e-7);
  check_derivative<Orthogonalise<>, UnitShape{3, 16}>(1e-7);
  check_derivative<Orthogonalise<>, UnitShape{12, 8}>(1e-7);
  check_derivative<Orthogonalise<PolarExpress>, UnitShape{6, 16}>(1e-7);
}

TEST_CASE("gram: derivative") {
  check_derivative<Gram, UnitShape{1, 8}>(1e-9);
  check_derivative<Gram, UnitShape{5, 6}>(1e-9);
}

TEST_CASE("precondition: derivative, with an eigenvalue that is repeated") {
  check_derivative<Precondition<>, UnitShape{2, 8}>(1e-6);
  check_derivative<Precondition<>, UnitShape{3, 5}>(1e-6);
  check_derivative<Precondition<UncoupledInverseRoot>, UnitShape{2, 8}>(1e-6);
}

TEST_CASE("below the least norm a matrix is only scaled, and so is its derivative") {
  constexpr UnitShape shape{2, 4};
  Rng rng(2);
  OperationCase<Orthogonalise<>, shape> c(rng, 1);
  for (double& x : c.operand[0]) x *= 1e-20;
  c.forward();
  c.backward();
  double slope = 1e12;
  for (int i = 0; i < QuinticNewtonSchulz::steps; ++i) slope *= QuinticNewtonSchulz::step(i).a;
  for (std::size_t i = 0; i < c.result.size(); ++i) {
    CHECK(c.result[i] == doctest::Approx(slope * c.operand[0][i]));
    CHECK(c.operand_adjoint[0][i] == doctest::Approx(slope * c.adjoint[i]));
  }
}

TEST_CASE("zero and rank-deficient matrices give finite values and derivatives") {
  constexpr UnitShape shape{4, 8};
  Rng rng(3);
  const auto finite = [](auto& c) {
    c.forward();
    c.backward();
    bool all = true;
    for (const double x : c.result) all = all && std::isfinite(x);
    for (const auto& gradient : c.operand_adjoint)
      for (const double x : gradient) all = all && std::isfinite(x);
    return all;
  };
  OperationCase<Orthogonalise<>, shape> c(rng, 1);
  for (std::size_t i = 0; i < 8; ++i) c.operand[0][8 + i] = c.operand[0][i];
  CHECK(finite(c));
  for (double& x : c.operand[0]) x = 0;
  CHECK(finite(c));
  for (const double x : c.result) CHECK(x == 0);
  OperationCase<Precondition<>, shape> p(rng, 1);
  for (double& x : p.operand[1]) x = 0;
  CHECK(finite(p));
  // R = 0 is damped to 1e-6 I, which is in range.
  CHECK(relative_error(p.result, [&] {
          auto scaled = p.operand[0];
          for (double& x : scaled) x *= 1e3;
          return scaled;
        }()) < 1e-4);
}

}  // namespace optiform::testing
