// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <optiform/rules/operations/gram.hpp>
#include <optiform/rules/operations/orthogonalise.hpp>
#include <optiform/rules/operations/precondition.hpp>

#include "../support/row_operations.hpp"

namespace optiform::testing {
namespace {

using Matrix = std::vector<double>;

/// Plain products, apart from the library's.
Matrix product(const Matrix& a, const Matrix& b, std::size_t rows, std::size_t inner_size) {
  const std::size_t columns = b.size() / inner_size;
  Matrix c(rows * columns);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t k = 0; k < inner_size; ++k)
      for (std::size_t j = 0; j < columns; ++j)
        c[i * columns + j] += a[i * inner_size + k] * b[k * columns + j];
  return c;
}
Matrix transposed(const Matrix& a, std::size_t rows) {
  const std::size_t columns = a.size() / rows;
  Matrix t(a.size());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) t[j * rows + i] = a[i * columns + j];
  return t;
}
double norm(const Matrix& a) { return std::sqrt(inner(a, a)); }

/// The textbook form: every step on the matrix itself, Gram matrix of its columns.
template <class Polynomial>
Matrix by_large_gram(Matrix y, std::size_t heads, std::size_t head_dim) {
  const double scale = 1 / std::max(norm(y), 1e-12);
  for (double& x : y) x *= scale;
  for (int step = 0; step < Polynomial::steps; ++step) {
    const Quintic p = Polynomial::step(step);
    const Matrix a = product(transposed(y, heads), y, head_dim, heads);
    Matrix q = product(a, a, head_dim, head_dim);
    for (std::size_t i = 0; i < q.size(); ++i)
      q[i] = p.c * q[i] + p.b * a[i] + (i % (head_dim + 1) == 0 ? p.a : 0);
    y = product(y, q, heads, head_dim);
  }
  return y;
}

template <class Polynomial, UnitShape S>
void check_large_gram() {
  INFO(S.heads, " x ", S.head_dim);
  Rng rng(4);
  OperationCase<Orthogonalise<Polynomial>, S> c(rng, 1);
  c.forward();
  CHECK(relative_error(c.result, by_large_gram<Polynomial>(c.operand[0], S.heads, S.head_dim)) <
        1e-12);
}

/// What becomes of a singular value of a matrix of norm one.
template <class Polynomial>
double after(double sigma) {
  Rng rng(1);
  OperationCase<Orthogonalise<Polynomial>, UnitShape{2, 4}> c(rng, 1);
  std::fill(c.operand[0].begin(), c.operand[0].end(), 0.0);
  c.operand[0][0] = 7 * sigma;
  c.operand[0][5] = 7 * std::sqrt(1 - sigma * sigma);
  c.forward();
  return c.result[0];
}

/// What becomes of eigenvalue r of a damped matrix of norm one.
template <class InverseRoot>
double root_of(double r) {
  Rng rng(1);
  OperationCase<Precondition<InverseRoot>, UnitShape{1, 2}> c(rng, 1);
  c.operand[0] = {1, 0};
  c.operand[1] = {r - 1e-6, 0, std::sqrt(1 - r * r) - 1e-6};
  c.in[0] = c.operand[0].data(), c.in[1] = c.operand[1].data();
  c.forward();
  return c.result[0];
}

}  // namespace

TEST_CASE("the Gram matrix of the shorter side gives what that of the longer gives") {
  check_large_gram<QuinticNewtonSchulz, UnitShape{12, 64}>();
  check_large_gram<QuinticNewtonSchulz, UnitShape{1, 16}>();
  check_large_gram<QuinticNewtonSchulz, UnitShape{12, 8}>();
  check_large_gram<PolarExpress, UnitShape{6, 64}>();
}

TEST_CASE("in float, singular values down to a thousandth keep four digits") {
  constexpr UnitShape shape{12, 64};
  Rng rng(11);
  OperationCase<Orthogonalise<>, shape> c(rng, 4);
  for (std::size_t i = 0; i < c.operand[0].size(); ++i)
    c.operand[0][i] *= std::pow(1e-3, static_cast<double>(i / 64 % 12) / 11);
  OperationCase<Orthogonalise<>, shape, float> in_float(c);
  OperationCase<Orthogonalise<>, shape> exact(in_float);
  in_float.forward();
  exact.forward();
  CHECK(relative_error(in_float.result, exact.result) < 2e-5);
  in_float.backward();
  exact.backward();
  CHECK(relative_error(in_float.operand_adjoint[0], exact.operand_adjoint[0]) < 2e-4);
}

TEST_CASE("five quintic steps: known values, and the band that they keep") {
  const double known[][2] = {
      {1, 0.696436}, {0.5, 0.765439}, {0.1, 0.712120}, {0.01, 0.698917}, {0.001, 0.470544}};
  for (const auto& [sigma, expected] : known)
    CHECK(after<QuinticNewtonSchulz>(sigma) == doctest::Approx(expected).epsilon(1e-6));
  for (double sigma = 0.003; sigma < 1; sigma *= 1.01) {
    const double s = after<QuinticNewtonSchulz>(sigma);
    CHECK((s > 0.6817 && s < 1.2025));
  }
}

TEST_CASE("the Polar Express ends within the band it states") {
  double least = 2, most = 0;
  for (double sigma = 0.001; sigma < 1; sigma *= 1.002) {
    least = std::min(least, after<PolarExpress>(sigma));
    most = std::max(most, after<PolarExpress>(sigma));
  }
  CHECK(least == doctest::Approx(0.9956).epsilon(1e-4));
  CHECK(most == doctest::Approx(1.0012).epsilon(1e-4));
}

TEST_CASE("the uncoupled inverse root: known values; the coupled one is nearer") {
  const double known[][2] = {{0.003, 18.2549}, {1e-3, 30.854}, {3e-4, 45.45}};
  for (const auto& [r, expected] : known)
    CHECK(root_of<UncoupledInverseRoot>(r) == doctest::Approx(expected).epsilon(3e-5));
  for (const double r : {0.9, 0.1, 0.01})
    CHECK(root_of<UncoupledInverseRoot>(r) == doctest::Approx(1 / std::sqrt(r)).epsilon(1e-6));
  CHECK(root_of<UncoupledInverseRoot>(1e-12) == doctest::Approx(57.665).epsilon(1e-4));
  for (double r = 4e-6; r < 1; r *= 1.1)
    CHECK(root_of<CoupledInverseRoot<>>(r) == doctest::Approx(1 / std::sqrt(r)).epsilon(6e-5));
}

TEST_CASE("gram is G^T G, packed") {
  constexpr UnitShape shape{3, 6};
  Rng rng(5);
  OperationCase<Gram, shape> c(rng, 2);
  c.forward();
  for (std::size_t row = 0; row < 2; ++row) {
    const Matrix g(c.operand[0].begin() + static_cast<Index>(row) * 18,
                   c.operand[0].begin() + static_cast<Index>(row) * 18 + 18);
    const Matrix full = product(transposed(g, 3), g, 6, 3);
    for (std::size_t i = 0, at = row * 21; i < 6; ++i)
      for (std::size_t j = 0; j <= i; ++j, ++at)
        CHECK(c.result[at] == doctest::Approx(full[i * 6 + j]).epsilon(1e-13));
  }
}

TEST_CASE("the uncoupled iteration equals a plain loop") {
  constexpr UnitShape shape{3, 16};
  constexpr std::size_t n = 16;
  Rng rng(6);
  OperationCase<Precondition<UncoupledInverseRoot>, shape> c(rng, 1);
  c.forward();
  Matrix a(n * n), x(n * n);
  for (std::size_t i = 0, at = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j, ++at)
      a[i * n + j] = a[j * n + i] = c.operand[1][at] + (i == j ? 1e-6 : 0);
  const double scale = std::max(norm(a), 1e-6);
  for (double& v : a) v /= scale;
  for (std::size_t i = 0; i < n; ++i) x[i * n + i] = 1;
  for (int step = 0; step < 10; ++step) {
    Matrix y = product(product(x, a, n, n), x, n, n);
    for (double& v : y) v = -v;
    for (std::size_t i = 0; i < n; ++i) y[i * n + i] += 3;
    x = product(x, y, n, n);
    for (double& v : x) v *= 0.5;
  }
  Matrix expected = product(c.operand[0], x, 3, n);
  for (double& v : expected) v /= std::sqrt(scale);
  CHECK(relative_error(c.result, expected) < 1e-11);
}

}  // namespace optiform::testing
