// SPDX-License-Identifier: MIT
#pragma once

// Checks of OPTIFORM_RULES_HERE, a list of cases: two translation units share them, so that each
// compiles in seconds.
#include "boundary_loops.hpp"

#include <doctest/doctest.h>

namespace optiform::testing {
TEST_CASE_TEMPLATE("boundary programs equal independent scalar loops", Case, OPTIFORM_RULES_HERE) {
  // In a row of two or three near-equal numbers the norm amplifies rounding: widths from 4 on are
  // held to the tight bound, narrower ones to a loose one.
  for (const Index width : {1, 2, 3}) {
    INFO("width ", width);
    CHECK(distance_to_loops<Case, Reference, double>(11, width, 5) < 1e-9);
    CHECK(distance_to_loops<Case, Cpu, double>(11, width, 5) < 1e-9);
  }
  for (const Index width : {5, 7, 8, 13, 15, 16, 17, 31, 33, 48, 101}) {
    INFO("width ", width);
    CHECK(distance_to_loops<Case, Reference, double>(11, width, 5) < 1e-12);
    CHECK(distance_to_loops<Case, Reference, float>(11, width, 5) < 2e-5);
    CHECK(distance_to_loops<Case, Cpu, double>(11, width, 5) < 1e-12);
    CHECK(distance_to_loops<Case, Cpu, float>(11, width, 5) < 2e-5);
  }
}

TEST_CASE_TEMPLATE("Cpu and Reference agree on the backward program", Case, OPTIFORM_RULES_HERE) {
  for (const Index width : {5, 16, 29, 64}) {
    INFO("width ", width);
    BoundaryRun<typename Case::Rule, Reference, double> reference(37, width, 3);
    BoundaryRun<typename Case::Rule, Cpu, double> cpu(37, width, 3);
    reference.forward();
    reference.backward();
    cpu.forward();
    cpu.backward();
    for (std::size_t i = 0; i < cpu.gradient.size(); ++i)
      CHECK(relative_error(cpu.gradient[i], reference.gradient[i]) < 1e-12);
    CHECK(relative_error(cpu.column_gradient, reference.column_gradient) < 1e-12);
    CHECK(relative_error(cpu.coefficient_gradient, reference.coefficient_gradient) < 1e-10);
  }
}

TEST_CASE_TEMPLATE("results do not depend on the number of threads", Case, OPTIFORM_RULES_HERE) {
  using Run = BoundaryRun<typename Case::Rule, Cpu, float>;
  Run one(301, 40, 7, 1);
  one.forward();
  one.backward();
  for (const int threads : {2, 3}) {
    Run many(301, 40, 7, threads);
    many.forward();
    many.backward();
    CHECK(many.output == one.output);
    CHECK(many.statistic == one.statistic);
    CHECK(many.gradient == one.gradient);
    CHECK(many.column_gradient == one.column_gradient);
    CHECK(many.coefficient_gradient == one.coefficient_gradient);
  }
}

TEST_CASE_TEMPLATE("adjoints may overwrite each other as the program says", Case,
                   OPTIFORM_RULES_HERE) {
  BoundaryRun<typename Case::Rule, Cpu, float> run(19, 50, 2);
  run.forward();
  run.backward(false);
  const auto apart = run.gradient;
  run.backward(true);
  CHECK(run.gradient == apart);
}

TEST_CASE_TEMPLATE("a length known while compiling changes no bit", Case, OPTIFORM_RULES_HERE) {
  BoundaryRun<typename Case::Rule, Cpu, float> run_time(19, 40, 2), compile_time(19, 40, 2);
  run_time.forward();
  run_time.backward();
  compile_time.template forward<40>();
  compile_time.template backward<40>();
  CHECK(run_time.output == compile_time.output);
  CHECK(run_time.gradient == compile_time.gradient);
  CHECK(run_time.column_gradient == compile_time.column_gradient);
}

}  // namespace optiform::testing
