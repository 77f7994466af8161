// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "problem.hpp"

/// Values and gaps of policies on a process: the plain objective, whatever a method looks at.
class Reporter {
 public:
  explicit Reporter(const optiform::TabularMdp<>& mdp);
  ~Reporter();

  /// Shapes  probability: [states, actions]
  Progress operator()(std::int64_t iteration, const std::vector<double>& probability,
                      std::int64_t restarts);

 private:
  struct Evaluation;
  std::unique_ptr<Evaluation> evaluation_;
};
