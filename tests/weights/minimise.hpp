// SPDX-License-Identifier: MIT
#pragma once

// Any optimizer on every analytic problem, in float and double.

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>

#include "../support/weights.hpp"

namespace optiform::testing {

/// A problem in 16 unknowns, a 4 x 4 matrix to optimizers that see matrices.
struct Problem {
  const char* name;
  double least;                                        ///< the minimum
  double start;                                        ///< where every unknown starts
  double (*value)(const double* x, double* gradient);  ///< gradient: [16]
};

/// 1/2 sum of c_i x_i^2, c from 1 to Condition in equal ratios.
template <int Condition>
double quadratic(const double* x, double* g) {
  double sum = 0;
  for (int i = 0; i < 16; ++i) {
    const double c = std::pow(static_cast<double>(Condition), i / 15.0);
    g[i] = c * x[i];
    sum += 0.5 * c * x[i] * x[i];
  }
  return sum;
}

/// Eight of Rosenbrock's valleys.
inline double rosenbrock(const double* x, double* g) {
  double sum = 0;
  for (int i = 0; i < 16; i += 2) {
    const double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
    sum += 100 * a * a + b * b;
    g[i] = -400 * a * x[i] - 2 * b;
    g[i + 1] = 200 * a;
  }
  return sum;
}

/// Mean loss of 40 noisy labels, plus 0.05 ||x||^2.
inline double logistic(const double* x, double* g) {
  double sum = 0;
  for (int i = 0; i < 16; ++i) sum += 0.05 * x[i] * x[i], g[i] = 0.1 * x[i];
  for (int s = 0; s < 40; ++s) {
    double feature[16], margin = 0;
    for (int i = 0; i < 16; ++i) {
      feature[i] = std::sin(1.7 * s + 2.3 * i) + 0.3 * std::cos(0.9 * s * i);
      margin += feature[i] * x[i];
    }
    const double label = s % 3 == 0 ? -1 : 1, z = label * margin;
    sum += std::log1p(std::exp(-z)) / 40;
    for (int i = 0; i < 16; ++i) g[i] -= label * feature[i] / (1 + std::exp(z)) / 40;
  }
  return sum;
}

/// 1/2 ||A B - C||^2 of 2 x 4 and 4 x 2 factors of a 2 x 2 matrix: x = (A, B).
inline double factorisation(const double* x, double* g) {
  const double target[4] = {2, -1, 0.5, 1};
  double sum = 0;
  for (int i = 0; i < 16; ++i) g[i] = 0;
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 2; ++c) {
      double error = -target[2 * r + c];
      for (int k = 0; k < 4; ++k) error += x[4 * r + k] * x[8 + 2 * k + c];
      sum += 0.5 * error * error;
      for (int k = 0; k < 4; ++k) {
        g[4 * r + k] += error * x[8 + 2 * k + c];
        g[8 + 2 * k + c] += error * x[4 * r + k];
      }
    }
  return sum;
}

inline const Problem problems[] = {{"quadratic, condition 1", 0, 1, quadratic<1>},
                                   {"quadratic, condition 100", 0, 1, quadratic<100>},
                                   {"quadratic, condition 10,000", 0, 1, quadratic<10000>},
                                   {"Rosenbrock", 0, -0.5, rosenbrock},
                                   {"logistic regression", 0, 0.5, logistic},
                                   {"matrix factorisation", 0, 0.3, factorisation}};
inline constexpr int problem_count = 6;

/// The minimum of logistic regression, by Newton-like patience: gradient descent in double.
inline double least_of(const Problem& problem) {
  if (problem.value != logistic) return problem.least;
  double x[16]{}, g[16];
  for (int t = 0; t < 20000; ++t) {
    logistic(x, g);
    for (int i = 0; i < 16; ++i) x[i] -= g[i];
  }
  return logistic(x, g);
}

/// How an optimizer takes a problem: its rate falls on a straight line to zero.
struct Budget {
  double rate[problem_count];  ///< by problem
  int steps;
  double gap;  ///< what must be left of the start's distance to the minimum
};

/// What is left of value(start) - least.
template <class Optimizer, class T, class Options>
double gap_left(const Problem& problem, const Options& options, double rate, int steps) {
  Weights<Optimizer, Cpu, T> w(table_of_matrix(4, 4), options);
  double x[16], g[16];
  for (int i = 0; i < 16; ++i)
    w.values[static_cast<std::size_t>(i)] = static_cast<T>(problem.start + 0.1 * std::sin(3.0 * i));
  const auto evaluate = [&] {
    for (int i = 0; i < 16; ++i) x[i] = static_cast<double>(w.values[static_cast<std::size_t>(i)]);
    return problem.value(x, g);
  };
  const double first = evaluate(), least = least_of(problem);
  for (int t = 0; t < steps; ++t) {
    evaluate();
    for (int i = 0; i < 16; ++i) w.gradients[static_cast<std::size_t>(i)] = static_cast<T>(g[i]);
    w.optimizer.step(w.context, w.values.data(), w.gradients.data(), 1,
                     rate * (1 - static_cast<double>(t) / steps));
  }
  if constexpr (requires { w.optimizer.read_out(w.context, w.values.data(), w.values.data()); })
    w.optimizer.read_out(w.context, w.values.data(), w.values.data());
  return (evaluate() - least) / (first - least);
}

template <class Optimizer>
void minimise(const char* name, typename Optimizer::template on<Cpu, double>::Options options,
              const Budget& budget) {
  for (int p = 0; p < problem_count; ++p) {
    INFO(std::string(name), " on ", std::string(problems[p].name));
    const double exact =
        gap_left<Optimizer, double>(problems[p], options, budget.rate[p], budget.steps);
    CHECK(exact < budget.gap);
    CHECK(exact > -1e-9);
    typename Optimizer::template on<Cpu, float>::Options rounded;
    rounded = options;
    const double single =
        gap_left<Optimizer, float>(problems[p], rounded, budget.rate[p], budget.steps);
    CHECK(single < 2 * budget.gap + 1e-5);
  }
}

template <class R>
void minimise_rule(const char* name, const Budget& budget, CoefficientSchedules coefficients = {}) {
  WeightOptimizerOptions options;
  options.matrix.weight_decay = 0;
  options.coefficients = std::move(coefficients);
  minimise<WeightOptimizer<R>>(name, options, budget);
}

}  // namespace optiform::testing
