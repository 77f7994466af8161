// SPDX-License-Identifier: MIT
// Values that fold into numbers while a rule is recorded, where an operation or a buffer needs all
// their elements.
#include <doctest/doctest.h>

#include <cmath>

#include "boundary.hpp"

namespace optiform::testing {
namespace {

/// A number for what is normalised, and for the row that operations take.
struct EvenRow : Rule {
  Square r = covariance("covariance");
  Scalar beta = unit("beta", 0.5), gamma = positive("gamma", ln2), zero = constant("zero", 0);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    const Row even = zero * g + gamma;
    r = beta * r + (1 - beta) * gram(even);
    x += g + normalise(even) + precondition(even, r);
  }
};

/// A number for the square that an operation takes, and one for both of its operands.
struct NoSquare : Rule {
  Row m = stream("moment");
  Square r = covariance("covariance");
  Scalar beta = unit("beta", 0.5), gamma = positive("gamma", ln2), zero = constant("zero", 0);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    x += 1e-3 * gamma * precondition(m, zero * r) + precondition(zero * m, zero * r);
    m = beta * m + g;
    r = beta * r;
  }
};

/// A number for what is stored whole.
struct EvenStream : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5), gamma = positive("gamma", ln2), zero = constant("zero", 0);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    x += beta * v + g;
    v = zero * g + gamma;
  }
};

/// The rule's zero folds where it is known while recording.
template <class R>
struct Pinned : R {
  constexpr Pinned() { this->pin(this->zero, 0); }
};

template <class R, class Backend>
void check_folded() {
  BoundaryRun<R, Backend, double, Norm::layer_norm, 3> plain(18, 12, 5);
  BoundaryRun<Pinned<R>, Backend, double, Norm::layer_norm, 3> folded(18, 12, 5);
  plain.template forward<12>(), folded.template forward<12>();
  plain.template backward<12>(), folded.template backward<12>();
  for (std::size_t i = 0; i < plain.output.size(); ++i) {
    INFO("buffer ", i);
    CHECK(relative_error(folded.output[i], plain.output[i]) < 1e-12);
    CHECK(relative_error(folded.gradient[i], plain.gradient[i]) < 1e-12);
  }
  CHECK(relative_error(folded.column_gradient, plain.column_gradient) < 1e-12);
  for (std::size_t c = 0; c < 2; ++c)  // beta and gamma
    CHECK(folded.coefficient_gradient[c] ==
          doctest::Approx(plain.coefficient_gradient[c]).epsilon(1e-9));
}

/// Keeps a covariance of which nothing is left, and takes no operation.
struct Forgetful : Rule {
  Square r = covariance("covariance");

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r *= 0;
    x += g;
  }
};

template <class Backend>
void check_forgetful() {
  BoundaryRun<Forgetful, Backend, double, Norm::layer_norm, 3> run(18, 12, 5);
  run.output[1].assign(run.output[1].size(), NAN);
  run.template forward<12>();
  for (const double r : run.output[1]) REQUIRE(r == 0);
}

}  // namespace

TEST_CASE("operations take what folded into numbers for its elements") {
  check_folded<EvenRow, Reference>();
  check_folded<EvenRow, Cpu>();
  check_folded<NoSquare, Reference>();
  check_folded<NoSquare, Cpu>();
}

TEST_CASE("buffers take what folded into numbers, whose adjoint is the sum of the buffer's") {
  check_folded<EvenStream, Reference>();
  check_folded<EvenStream, Cpu>();
}

TEST_CASE("a square of which nothing is left is stored whole") {
  check_forgetful<Reference>();
  check_forgetful<Cpu>();
}

}  // namespace optiform::testing
