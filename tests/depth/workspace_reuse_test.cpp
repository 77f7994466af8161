// SPDX-License-Identifier: MIT
#include <algorithm>

#include "gradients.hpp"

namespace optiform::testing {
namespace {

/// The iterate takes the old velocity: what the oracle answers last reaches nothing.
struct Delayed : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    x += v;
    v = beta * v + g;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("gradients do not depend on what the workspace held before", R, Delayed, Lion,
                   TripleMomentum) {
  TinyModel<OddModel<R>, Reference, double> tiny;
  tiny.loss_and_gradients();
  const std::vector<double> first(tiny.gradients.begin(), tiny.gradients.end());
  std::fill(tiny.gradients.begin(), tiny.gradients.end(), 0);
  tiny.loss_and_gradients();
  CHECK(std::equal(first.begin(), first.end(), tiny.gradients.begin()));
}

TEST_CASE("gradients of a rule whose last answer reaches nothing are those of the loss") {
  check_model_gradients<OddModel<Delayed>>();
}

}  // namespace optiform::testing
