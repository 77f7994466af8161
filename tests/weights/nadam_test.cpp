// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/core/coefficient_schedules.hpp>
#include <optiform/core/error.hpp>
#include <optiform/rules/nadam.hpp>
#include <optiform/rules/scheduled_coefficients.hpp>

namespace optiform::testing {

TEST_CASE("NAdam: weights that follow from beta1 need a number; given ones do not") {
  const CoefficientSchedule rising = CoefficientSchedule::ramp(0.9);
  CoefficientSchedules given{{"beta1", rising}};
  CHECK_THROWS_WITH_AS(ScheduledCoefficients<NAdam>{given},
                       "NAdam: beta1 is a schedule; expected a number, or gradient_weight and "
                       "moment_weight beside it",
                       Error);
  given.set("gradient_weight", 0.25);
  CHECK_THROWS_AS(ScheduledCoefficients<NAdam>{given}, Error);
  given.set("moment_weight", 0.75);
  RowArguments<double> a;
  ScheduledCoefficients<NAdam>(given).set(a, 3, 0.01);
  const Recording& rule = recording<NAdam>;
  for (short c = 0; c < rule.coefficients; ++c) {
    const std::string_view name = rule.coefficient[c].name;
    if (name == "beta1") CHECK(a.coefficient[c] == rising(3));
    if (name == "gradient_weight") CHECK(a.coefficient[c] == 0.25);
    if (name == "moment_weight") CHECK(a.coefficient[c] == 0.75);
  }
  CHECK_THROWS_WITH_AS(ScheduledCoefficients<NAdam>(CoefficientSchedules{
                           {"momentum_decay", CoefficientSchedule::geometric(0.004, 0.99)}}),
                       "NAdam: momentum_decay is a schedule; expected a number, or gradient_weight "
                       "and moment_weight beside it",
                       Error);
}

}  // namespace optiform::testing
