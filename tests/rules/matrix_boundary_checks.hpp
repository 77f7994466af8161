// SPDX-License-Identifier: MIT
#pragma once

// Checks of OPTIFORM_RULES_HERE, a list of cases of rules with row operations: translation units
// share them, so that each compiles in seconds.
#include <algorithm>

#include <doctest/doctest.h>

#include "boundary_loops.hpp"

namespace optiform::testing {
namespace {

template <class Case, class Backend, class T, Norm VelocityNorm = Norm::layer_norm>
using Run = BoundaryRun<typename Case::Rule, Backend, T, VelocityNorm, 3>;

}  // namespace

TEST_CASE_TEMPLATE("matrix rules equal independent scalar loops", Case, OPTIFORM_RULES_HERE) {
  CHECK(distance_to_loops<Case, Reference, double, 15, 3>(5, 15, 5) < 1e-10);
  CHECK(distance_to_loops<Case, Cpu, double, 15, 3>(19, 15, 5) < 1e-10);
  CHECK(distance_to_loops<Case, Cpu, float, 15, 3>(19, 15, 5) < 1e-3);
  CHECK(distance_to_loops<Case, Cpu, double, 7, 1>(5, 7, 6) < 1e-10);
}

TEST_CASE_TEMPLATE("Cpu and Reference agree on the backward program of matrix rules", Case,
                   OPTIFORM_RULES_HERE) {
  Run<Case, Reference, double> reference(37, 15, 3);
  Run<Case, Cpu, double> cpu(37, 15, 3);
  reference.template forward<15>();
  reference.template backward<15>();
  cpu.template forward<15>();
  cpu.template backward<15>();
  for (std::size_t i = 0; i < cpu.gradient.size(); ++i)
    CHECK(relative_error(cpu.gradient[i], reference.gradient[i]) < 1e-9);
  CHECK(relative_error(cpu.column_gradient, reference.column_gradient) < 1e-9);
  CHECK(relative_error(cpu.coefficient_gradient, reference.coefficient_gradient) < 1e-8);
}

TEST_CASE_TEMPLATE("matrix rules do not depend on the number of threads or rows", Case,
                   OPTIFORM_RULES_HERE) {
  using Many = Run<Case, Cpu, float>;
  Many one(301, 15, 7, 1);
  one.template forward<15>();
  one.template backward<15>();
  for (const int threads : {2, 3}) {
    Many many(301, 15, 7, threads);
    many.template forward<15>();
    many.template backward<15>();
    CHECK(many.output == one.output);
    CHECK(many.statistic == one.statistic);
    CHECK(many.gradient == one.gradient);
    CHECK(many.column_gradient == one.column_gradient);
    CHECK(many.coefficient_gradient == one.coefficient_gradient);
  }
  // The same rows by themselves: others beside them, and the tail, change no bit.
  Many few(5, 15, 1);
  for (std::size_t i = 0; i < few.input.size(); ++i)
    std::copy_n(one.input[i].begin(), few.input[i].size(), few.input[i].begin());
  few.column = one.column;
  few.coefficient = one.coefficient;
  few.template forward<15>();
  for (std::size_t i = 0; i < few.output.size(); ++i)
    CHECK(std::equal(few.output[i].begin(), few.output[i].end(), one.output[i].begin()));
}

TEST_CASE_TEMPLATE("adjoints of matrix rules may overwrite each other", Case, OPTIFORM_RULES_HERE) {
  Run<Case, Cpu, float> run(19, 15, 2);
  run.template forward<15>();
  run.template backward<15>(false);
  const auto apart = run.gradient;
  run.template backward<15>(true);
  CHECK(run.gradient == apart);
}

}  // namespace optiform::testing
