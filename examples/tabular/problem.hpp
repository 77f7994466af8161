// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <optiform/environments/tabular/mdp.hpp>
#include <optiform/policy/step_sizes.hpp>

/// A process and where the policy starts on it.
struct Problem {
  optiform::TabularMdp<> mdp;
  std::vector<double> start;  ///< logits, [states, actions]
  std::string start_name;
  optiform::ProblemSize size() const { return optiform::problem_size(mdp); }
};

/// Numbers that a method may use; zero is the method's own choice.
struct Numbers {
  double rate = 0;         ///< step size, or its limit
  double epsilon = 0;      ///< margin of a hinge, divergence of a trust region
  double temperature = 0;  ///< of an entropy
  int inner_steps = 0;     ///< steps on the same data
  std::uint64_t seed = 1;  ///< of methods that draw

  double rate_or(double own) const { return rate > 0 ? rate : own; }
  double epsilon_or(double own) const { return epsilon > 0 ? epsilon : own; }
  double temperature_or(double own) const { return temperature > 0 ? temperature : own; }
  int inner_steps_or(int own) const { return inner_steps > 0 ? inner_steps : own; }
};

/// What is printed about the policy after an iteration.
struct Progress {
  std::int64_t iteration = 0;
  double objective = 0, gap = 0;
  std::int64_t restarts = 0;
};

/// One problem per start. A process is a name or, with a slash or ending in .json, a file; likewise
/// the starts. Throws Error for what cannot be read.
std::vector<Problem> load_problems(const std::string& mdp, const std::vector<std::string>& starts);
/// The names of processes and what they are, a line each.
std::string process_names();

using Report = std::function<void(const Progress&)>;

using LockstepReport = std::function<void(std::size_t start, const Progress&)>;

/// A method: runs until the last of the given iterations and reports at each of them.
struct Method {
  std::string_view name, description;
  bool draws;  ///< whether the seed matters
  void (*run)(const Problem&, const Numbers&, const std::vector<std::int64_t>& at, const Report&);
  /// The gap that theory predicts at iteration t, once transients are over; null where it is
  /// silent.
  double (*asymptote)(const Problem&, const Numbers&, double t);
  /// The same from several starts at once, one per lane; null where only one at a time can run.
  void (*run_lockstep)(const std::vector<Problem>&, const Numbers&,
                       const std::vector<std::int64_t>& at, const LockstepReport&) = nullptr;
};

// One translation unit per family, so that each compiles in seconds.
std::vector<Method> ascent_methods();
std::vector<Method> accelerated_methods();
std::vector<Method> mirror_methods();
std::vector<Method> clipped_methods();
std::vector<Method> sampled_methods();

/// One line of a figure.
struct Curve {
  const Method* method;
  const Problem* problem;
  std::vector<Progress> rows;
};
/// Curves as a log-log figure with the asymptotes that theory predicts. Throws Error without
/// gnuplot.
void draw(const std::string& png, const Numbers&, const std::vector<Curve>&);
