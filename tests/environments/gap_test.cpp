// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <optiform/tabular.hpp>

#include "exact_evaluation.hpp"
#include "solvers.hpp"

namespace optiform::testing {
namespace {

using Ascent = PolicyOptimizer<PolicyGradient<GradientDescent>, ExactCritic>;

double gap_at(const TabularMdp<>& mdp, const std::vector<double>& logits) {
  using On = Ascent::on<SoftmaxTable, TabularMdp<>, Reference>;
  context_t<Reference> context;
  typename On::Options options;
  options.improvement.learning_rate = 1;
  On ascent(mdp, context, options);
  ascent.start_from(logits.data());
  return ascent.gap();
}

/// Logits that prefer the best policy by `margin`, and otherwise differ.
std::vector<double> near(const Evaluation& best, double margin) {
  std::vector<double> logits;
  for (const double p : best.probability)
    logits.push_back(p > 0 ? margin : 0.1 * static_cast<double>(logits.size() % 7));
  return logits;
}

}  // namespace

TEST_CASE("gap: the performance difference is the difference of objectives, down to 1e-60") {
  for (const char* name : {"5s5a", "m2", "bu", "random:6,3,4", "garnet:20,3,4,2"}) {
    CAPTURE(name);
    const TabularMdp<> mdp = process(name);
    const Evaluation best = optimum(OnReference(), mdp);
    const ExactEvaluation exact_best(mdp, {best.probability.begin(), best.probability.end()});
    for (const double margin : {0.0, 2.0, 8.0, 16.0, 25.0, 30.0, 60.0, 140.0}) {
      CAPTURE(margin);
      const std::vector<double> logits = near(best, margin);
      const double gap = gap_at(mdp, logits);
      const auto probability = softmax<Real>(mdp, logits);
      const ExactEvaluation exact(mdp, probability);
      // The same formula in long double, where the best actions lose nothing by definition.
      Real expected = 0;
      for (std::size_t pair = 0; pair < probability.size(); ++pair) {
        const std::size_t s = pair / static_cast<std::size_t>(mdp.actions());
        if (best.probability[pair] == 0)
          expected += exact.visits[s] * probability[pair] *
                      (exact_best.value[s] - exact_best.action_value[pair]);
      }
      CHECK(gap > 0);
      CHECK(std::fabs(gap / static_cast<double>(expected) - 1) < 1e-11);
      // Where the subtraction still has digits, it is the same number.
      const double subtracted = static_cast<double>(exact_best.objective - exact.objective);
      if (margin <= 16) CHECK(std::fabs(gap / subtracted - 1) < 1e-8);
      if (margin == 140) CHECK(gap < 1e-58);
    }
  }
}

TEST_CASE("gap: that of a bandit with two arms is the other arm's probability") {
  const TabularMdp<> mdp = process("b2");
  for (const double logit : {-3.0, 0.0, 1.0, 10.0, 30.0, 100.0, 700.0}) {
    CAPTURE(logit);
    const double expected = static_cast<double>(1 / (1 + std::exp(Real(logit))));
    CHECK(std::fabs(gap_at(mdp, {logit, 0}) / expected - 1) < 1e-14);
  }
}

}  // namespace optiform::testing
