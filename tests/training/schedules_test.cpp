// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <optiform/weights/schedules.hpp>

using namespace optiform;

namespace {

Schedule cosine() {
  return {.decay = Decay::cosine, .peak = 2e-3, .warmup = 10, .steps = 110, .final_fraction = 0.1};
}

TEST_CASE("Schedule: warm-up starts at exactly zero and rises in a straight line to the peak") {
  for (const Decay decay : {Decay::cosine, Decay::wsd, Decay::linear}) {
    Schedule rate = cosine();
    rate.decay = decay;
    rate.decay_from = 60;
    CHECK(rate(0) == 0.0);
    CHECK(rate(1) == doctest::Approx(2e-4));
    CHECK(rate(5) == doctest::Approx(1e-3));
    CHECK(rate(10) == 2e-3);
    CHECK(rate(110) == doctest::Approx(2e-4));
    CHECK(rate(100000) == rate(110));
  }
}

TEST_CASE("Schedule: without warm-up step 0 has the full rate") {
  Schedule rate = cosine();
  rate.warmup = 0;
  CHECK(rate(0) == 2e-3);
  CHECK(rate(1) < 2e-3);
}

TEST_CASE("Schedule: cosine passes the mean of peak and floor half way") {
  const Schedule rate = cosine();
  CHECK(rate(60) == doctest::Approx(0.5 * (2e-3 + 2e-4)).epsilon(1e-12));
  CHECK(rate(35) ==
        doctest::Approx(2e-3 * (0.1 + 0.9 * 0.5 * (1 + std::sqrt(0.5)))).epsilon(1e-12));
}

TEST_CASE("Schedule: wsd is constant until its decay starts, then a straight line") {
  Schedule rate = cosine();
  rate.decay = Decay::wsd;
  rate.decay_from = 90;
  for (Index step = 10; step <= 90; ++step) CHECK(rate(step) == 2e-3);
  CHECK(rate(100) == doctest::Approx(0.5 * (2e-3 + 2e-4)));
}

TEST_CASE("Schedule: linear falls by the same amount every step") {
  Schedule rate = cosine();
  rate.decay = Decay::linear;
  const double fall = (2e-3 - 2e-4) / 100;
  for (Index step = 10; step < 110; ++step)
    CHECK(rate(step) - rate(step + 1) == doctest::Approx(fall).epsilon(1e-9));
}

TEST_CASE("Schedule: a final fraction of one is a constant rate") {
  Schedule rate = cosine();
  rate.final_fraction = 1;
  for (Index step = 10; step <= 120; ++step) CHECK(rate(step) == doctest::Approx(2e-3));
}

TEST_CASE("Schedule: contradictory numbers are refused with a sentence") {
  CHECK_NOTHROW(cosine().validate());
  Schedule rate = cosine();
  rate.warmup = 200;
  CHECK_THROWS_WITH_AS(rate.validate(),
                       "warm-up is 200 steps but the run has only 110; expected warm-up <= steps",
                       Error);
  rate = cosine();
  rate.peak = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(rate.validate(), Error);
  rate = cosine();
  rate.final_fraction = 1.5;
  CHECK_THROWS_AS(rate.validate(), Error);
  rate = cosine();
  rate.steps = 0;
  CHECK_THROWS_AS(rate.validate(), Error);
  rate = cosine();
  rate.decay = Decay::wsd;
  rate.decay_from = 5;
  CHECK_THROWS_AS(rate.validate(), Error);
  CHECK_THROWS_WITH_AS(decay_named("cosin"),
                       "schedule 'cosin' is unknown; expected cosine, wsd or linear", Error);
}

}  // namespace
