// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <optiform/cpu.hpp>

#include "../support/random_data.hpp"

namespace optiform::testing {
namespace {

/// Orthogonalises a copy of x.
template <class Backend, class T, class Polynomial = QuinticNewtonSchulz>
std::vector<T> orthogonalised(std::vector<T> x, Index rows, Index columns, double alpha = 1,
                              double beta = 0, T before = T(NAN)) {
  context_t<Backend> context(2);
  std::vector<T> out(x.size(), before),
      workspace(static_cast<std::size_t>(orthogonalise_workspace(rows, columns)), T(NAN));
  orthogonalise<Polynomial, Backend>(context, rows, columns, 1e-7, x.data(), workspace.data(),
                                     alpha, beta, out.data());
  return out;
}

/// An odd quintic with the fixed point 1 at which it is flat: converges to U V^T exactly.
struct Exact {
  static constexpr int steps = 40;
  static constexpr Quintic step(int) { return {1.875, -1.25, 0.375}; }
};

}  // namespace

TEST_CASE("a matrix of one singular value shows the polynomial: five steps from known values") {
  // Of diag(s, t, 0, ...) / ||.||_F the singular values are s and t over their norm.
  const double after[][2] = {{0.5, 0.765439}, {0.1, 0.712120}, {0.01, 0.698917}, {0.001, 0.470544}};
  for (const auto& [sigma, expected] : after)
    for (const Index columns : {5, 3}) {
      std::vector<double> x(static_cast<std::size_t>(4 * columns));
      x[0] = 7 * sigma;
      x[static_cast<std::size_t>(columns + 1)] = 7 * std::sqrt(1 - sigma * sigma);
      const auto out = orthogonalised<Cpu>(x, 4, columns);
      CHECK(out[0] == doctest::Approx(expected).epsilon(1e-6));
    }
  CHECK(orthogonalised<Cpu>(std::vector<double>{-3.0}, 1, 1)[0] ==
        doctest::Approx(-0.696436).epsilon(1e-6));
}

TEST_CASE("alpha and beta: the result is added to what is there") {
  Rng rng(3);
  const auto x = normal(rng, 6 * 9);
  const auto alone = orthogonalised<Cpu>(x, 6, 9);
  const auto added = orthogonalised<Cpu>(x, 6, 9, -0.3, 0.9, 2.0);
  for (std::size_t i = 0; i < x.size(); ++i)
    CHECK(added[i] == doctest::Approx(1.8 - 0.3 * alone[i]).epsilon(1e-12));
}

TEST_CASE("a convergent polynomial gives orthonormal rows, and the sign of a symmetric matrix") {
  Rng rng(4);
  const Index rows = 7, columns = 12;
  const auto u = orthogonalised<Cpu, double, Exact>(normal(rng, rows * columns), rows, columns);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < rows; ++j) {
      double dot = 0;
      for (Index k = 0; k < columns; ++k)
        dot += u[static_cast<std::size_t>(i * columns + k)] *
               u[static_cast<std::size_t>(j * columns + k)];
      CHECK(dot == doctest::Approx(i == j ? 1 : 0).epsilon(1e-10));
    }
}

TEST_CASE("backends, scalars and shapes agree, and zero stays zero") {
  Rng rng(5);
  struct Size {
    Index rows, columns;
  };
  for (const Size size : {Size{1, 1}, {1, 40}, {33, 1}, {50, 50}, {70, 33}, {33, 70}, {130, 300}}) {
    const Index rows = size.rows, columns = size.columns;
    INFO(rows, " x ", columns);
    const auto x = normal(rng, rows * columns, 3);
    const auto expected = orthogonalised<Reference>(x, rows, columns);
    CHECK(relative_error(orthogonalised<Cpu>(x, rows, columns), expected) < 1e-12);
    CHECK(relative_error(orthogonalised<Cpu>(cast<float>(x), rows, columns), expected) < 2e-5);
    // The transpose of the result is the result of the transpose.
    std::vector<double> turned(x.size()), back(x.size());
    const auto turn = [](const auto& from, auto& to, Index m, Index n) {
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < n; ++j)
          to[static_cast<std::size_t>(j * m + i)] = from[static_cast<std::size_t>(i * n + j)];
    };
    turn(x, turned, rows, columns);
    turn(orthogonalised<Cpu>(turned, columns, rows), back, columns, rows);
    CHECK(relative_error(back, expected) < 1e-12);
    const std::vector<double> zero(x.size());
    CHECK(orthogonalised<Cpu>(zero, rows, columns) == zero);
  }
  // Below epsilon a matrix shrinks instead of being blown up; huge ones stay finite.
  for (const float scale : {1e-12f, 1e12f}) {
    auto x = normal<float>(rng, 30);
    for (float& v : x) v *= scale;
    for (const float v : orthogonalised<Cpu>(x, 5, 6)) CHECK(std::isfinite(v));
  }
}

TEST_CASE("a symmetric product equals the product, to the bit on any number of threads") {
  Rng rng(6);
  ReferenceContext plain;
  for (const Index n : {1, 7, 48, 49, 130, 400})
    for (const Index k : {1, 30, 500})
      for (const Transpose transpose : {Transpose::no, Transpose::yes}) {
        const auto a = normal(rng, n * k);
        auto d = normal(rng, n * n);
        for (Index i = 0; i < n; ++i)
          for (Index j = 0; j < i; ++j)
            d[static_cast<std::size_t>(j * n + i)] = d[static_cast<std::size_t>(i * n + j)];
        const Index lda = transpose == Transpose::no ? k : n;
        std::vector<double> expected(d.size(), NAN);
        kernels<Reference>::symmetric_product(plain, transpose, n, k, 0.7, a.data(), lda, -0.4,
                                              d.data(), 0.9, expected.data());
        std::vector<double> first;
        for (const int threads : {1, 2, 3}) {
          context_t<Cpu> context(threads);
          std::vector<double> c(d.size(), NAN);
          kernels<Cpu>::symmetric_product(context, transpose, n, k, 0.7, a.data(), lda, -0.4,
                                          d.data(), 0.9, c.data());
          CHECK(relative_error(c, expected) < 1e-13);
          if (threads == 1) first = c;
          CHECK(c == first);
          bool symmetric = true;
          for (Index i = 0; i < n; ++i)
            for (Index j = 0; j < i; ++j)
              symmetric = symmetric && c[static_cast<std::size_t>(i * n + j)] ==
                                           c[static_cast<std::size_t>(j * n + i)];
          CHECK(symmetric);
        }
        std::vector<double> without(d.size(), NAN);
        context_t<Cpu> context(1);
        kernels<Cpu>::symmetric_product(context, transpose, n, k, 1.0, a.data(), lda, 0.0,
                                        static_cast<const double*>(nullptr), 0.0, without.data());
        std::vector<double> gram(d.size(), NAN);
        kernels<Reference>::symmetric_product(plain, transpose, n, k, 1.0, a.data(), lda, 0.0,
                                              static_cast<const double*>(nullptr), 0.0,
                                              gram.data());
        CHECK(relative_error(without, gram) < 1e-13);
      }
}

}  // namespace optiform::testing
