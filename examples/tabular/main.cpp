// SPDX-License-Identifier: MIT
// Exact policy optimization on finite Markov decision processes: any method, any start, to any
// digit.
//
//   tabular --mdp 5s5a --method apg --iterations 1e6
//   tabular --mdp 5s5a --start uniform,hard --method pg,apg --iterations 1e6 --plot curves.png
//   tabular --mdp mine.json --start logits.json --method ppo-clip --seeds 20 --iterations 1000
//
// Prints lines `iteration J gap restarts`: iterations done, value of the start distribution, its
// distance from the best policy's, and restarts so far. Comments begin with '#'.
// Exit codes: 0 done, 2 bad input.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <thread>

#include <optiform/cpu/threads.hpp>
#include <optiform/io/atomic_file.hpp>

#include "../support/program.hpp"
#include "problem.hpp"

using namespace optiform;

namespace {

struct Arguments {
  std::string mdp = "5s5a", csv, plot;
  std::vector<std::string> starts{"default"};
  std::vector<std::string> methods{"apg"}, at;
  std::string iterations = "1000";
  int seeds = 1, threads = 0;
  Numbers numbers;
};

std::vector<Method> all_methods() {
  std::vector<Method> all;
  for (const auto& family : {ascent_methods(), accelerated_methods(), mirror_methods(),
                             clipped_methods(), sampled_methods()})
    all.insert(all.end(), family.begin(), family.end());
  return all;
}

const Method& method_named(const std::vector<Method>& all, const std::string& name) {
  std::string known;
  for (const Method& method : all) {
    if (method.name == name) return method;
    known += (known.empty() ? "" : " ") + std::string(method.name);
  }
  fail("method '", name, "' is unknown; expected one of: ", known);
}

/// A count such as 1000 or 1e8.
std::int64_t count(const std::string& text, const char* what) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= 0 && value <= 1e15) || value != std::floor(value))
    fail(what, " is '", text, "', expected a whole number such as 1000 or 1e6");
  return static_cast<std::int64_t>(value);
}

/// Where to report: as asked, or at 1, 2 and 5 times powers of ten, for a figure at more; always at
/// the last iteration.
std::vector<std::int64_t> report_points(const Arguments& a) {
  const std::int64_t last = count(a.iterations, "--iterations");
  std::set<std::int64_t> points{last};
  for (const std::string& text : a.at) {
    const std::int64_t point = count(text, "--at");
    if (point > last)
      fail("--at names iteration ", point, ", but the run ends after ", last, " iterations");
    points.insert(point);
  }
  if (a.at.empty()) {
    points.insert(0);
    for (std::int64_t power = 1; power < last; power *= 10)
      for (const std::int64_t digit : {1, 2, 5})
        if (digit * power < last) points.insert(digit * power);
    if (!a.plot.empty())
      for (double point = 1; point < static_cast<double>(last); point *= 1.1)
        points.insert(static_cast<std::int64_t>(point));
  }
  return {points.begin(), points.end()};
}

std::string line(const Progress& p) {
  char text[160];
  std::snprintf(text, sizeof text, "%lld %.12g %.12g %lld\n", static_cast<long long>(p.iteration),
                p.objective, p.gap, static_cast<long long>(p.restarts));
  return text;
}

/// One method and all the starts and seeds it runs with.
struct Task {
  const Method* method = nullptr;
  std::vector<std::uint64_t> seeds;
  std::vector<std::vector<Progress>> rows;  ///< by start and seed, starts the slower index
  std::string error;
};

void check_finite(const Method& method, const Progress& p) {
  if (std::isfinite(p.objective)) return;
  fail("method ", method.name, " reached J = ", p.objective, " at iteration ", p.iteration,
       "; a smaller --rate may help");
}

/// The mean of the runs with different seeds; restarts are added up.
std::vector<Progress> mean_of(const std::vector<Progress>* runs, std::size_t seeds) {
  std::vector<Progress> mean(runs[0].size());
  for (std::size_t k = 0; k < mean.size(); ++k) {
    mean[k].iteration = runs[0][k].iteration;
    for (std::size_t i = 0; i < seeds; ++i) {
      mean[k].objective += runs[i][k].objective / static_cast<double>(seeds);
      mean[k].gap += runs[i][k].gap / static_cast<double>(seeds);
      mean[k].restarts += runs[i][k].restarts;
    }
  }
  return mean;
}

/// Rows of a run, averaged over seeds where there are several, each followed by its deviation.
std::string table(const std::vector<Progress>* runs, std::size_t seeds) {
  std::string out;
  const auto mean = mean_of(runs, seeds);
  for (std::size_t k = 0; k < mean.size(); ++k) {
    out += line(mean[k]);
    if (seeds == 1) continue;
    double squares = 0;
    for (std::size_t i = 0; i < seeds; ++i) squares += std::pow(runs[i][k].gap - mean[k].gap, 2);
    char text[80];
    std::snprintf(text, sizeof text, "#   +- %.3g (standard deviation of %zu seeds)\n",
                  std::sqrt(squares / static_cast<double>(seeds - 1)), seeds);
    out += text;
  }
  return out;
}

void perform(Task& task, const std::vector<Problem>& problems, const Arguments& a,
             const std::vector<std::int64_t>& at, bool live) {
  const Method& method = *task.method;
  const TabularMdp<>& mdp = problems[0].mdp;
  if (mdp.states() == 5 && mdp.actions() == 5 && problems.size() > 1 &&
      method.run_lockstep != nullptr && task.seeds.size() == 1) {
    task.rows.resize(problems.size());
    method.run_lockstep(problems, a.numbers, at, [&](std::size_t start, const Progress& p) {
      check_finite(method, p);
      task.rows[start].push_back(p);
    });
    return;
  }
  for (const Problem& problem : problems)
    for (const std::uint64_t seed : task.seeds) {
      Numbers numbers = a.numbers;
      numbers.seed = seed;
      auto& rows = task.rows.emplace_back();
      method.run(problem, numbers, at, [&](const Progress& p) {
        check_finite(method, p);
        rows.push_back(p);
        if (!live) return;
        std::fputs(line(p).c_str(), stdout);
        std::fflush(stdout);
      });
    }
}

void print_heading(const Task& task, const Problem& problem) {
  std::printf(
      "# method %s: %s\n# mdp %s: %d states, %d actions, discount %.12g; start %s\n"
      "# iteration J gap restarts\n",
      std::string(task.method->name).c_str(), std::string(task.method->description).c_str(),
      problem.mdp.name().c_str(), problem.mdp.states(), problem.mdp.actions(),
      problem.mdp.discount(), problem.start_name.c_str());
  std::fflush(stdout);
}

std::string csv(const std::vector<Task>& tasks, const std::vector<Problem>& problems) {
  std::string out = "method,start,seed,iteration,objective,gap,restarts\n";
  for (const Task& task : tasks)
    for (std::size_t i = 0; i < task.rows.size(); ++i)
      for (const Progress& p : task.rows[i]) {
        char text[160];
        std::snprintf(text, sizeof text, ",%llu,%lld,%.17g,%.17g,%lld\n",
                      static_cast<unsigned long long>(task.seeds[i % task.seeds.size()]),
                      static_cast<long long>(p.iteration), p.objective, p.gap,
                      static_cast<long long>(p.restarts));
        out += std::string(task.method->name) + ',' + problems[i / task.seeds.size()].start_name +
               text;
      }
  return out;
}

/// Runs all tasks, several at a time where there is more than one; prints in the order asked for.
void perform_all(std::vector<Task>& tasks, const std::vector<Problem>& problems, const Arguments& a,
                 const std::vector<std::int64_t>& at) {
  const bool live = tasks.size() == 1 && problems.size() == 1 && tasks[0].seeds.size() == 1;
  if (live) print_heading(tasks[0], problems[0]);
  const int threads = a.threads > 0
                          ? a.threads
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  ForkJoinPool pool(std::min(threads, static_cast<int>(tasks.size())));
  pool.run(static_cast<Index>(tasks.size()), [&](Index i, int) {
    Task& task = tasks[static_cast<std::size_t>(i)];
    try {
      perform(task, problems, a, at, live);
    } catch (const Error& error) {
      task.error = error.what();
    }
  });
  for (const Task& task : tasks) {
    if (!task.error.empty()) fail(task.error);
    if (live) continue;
    for (std::size_t s = 0; s < problems.size(); ++s) {
      print_heading(task, problems[s]);
      std::fputs(table(&task.rows[s * task.seeds.size()], task.seeds.size()).c_str(), stdout);
    }
  }
}

void list(const std::vector<Method>& all) {
  std::printf("methods:\n");
  for (const Method& method : all)
    std::printf("  %-20s %s\n", std::string(method.name).c_str(),
                std::string(method.description).c_str());
  std::printf("processes:\n%s", process_names().c_str());
}

int tabular(int argc, char** argv) {
  Arguments a;
  bool listing = false;
  CLI::App app("Exact policy optimization on finite Markov decision processes", "tabular");
  app.add_option("--mdp", a.mdp, "name of a process, or a JSON file")->capture_default_str();
  app.add_option("--start", a.starts,
                 "default, uniform, hard, or a JSON file of logits; or several")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--method", a.methods, "one or more, separated by commas")->delimiter(',');
  app.add_option("--iterations", a.iterations, "of every method")->capture_default_str();
  app.add_option("--at", a.at, "iterations to report, separated by commas")->delimiter(',');
  app.add_option("--seeds", a.seeds, "runs of methods that draw")->check(CLI::Range(1, 100000));
  app.add_option("--seed", a.numbers.seed, "first seed")->capture_default_str();
  app.add_option("--rate", a.numbers.rate, "step size (default: the method's own)")
      ->check(CLI::PositiveNumber);
  app.add_option("--epsilon", a.numbers.epsilon, "margin of a hinge, bound of a trust region")
      ->check(CLI::PositiveNumber);
  app.add_option("--inner-steps", a.numbers.inner_steps, "steps on the same data")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--temperature", a.numbers.temperature, "of entropy-regularised methods")
      ->check(CLI::PositiveNumber);
  app.add_option("--threads", a.threads, "for several methods (0: all cores)")
      ->check(CLI::Range(0, 4096));
  app.add_option("--csv", a.csv, "file for all rows of all seeds");
  app.add_option("--plot", a.plot, "PNG file: gaps and the asymptotes that theory predicts");
  app.add_flag("--list", listing, "print the names of methods and processes");
  if (!parse_arguments(app, argc, argv)) return 0;
  const std::vector<Method> all = all_methods();
  if (listing) {
    list(all);
    return 0;
  }
  std::vector<Task> tasks;
  for (const std::string& name : a.methods) {
    Task task{&method_named(all, name), {a.numbers.seed}, {}, {}};
    for (int i = 1; task.method->draws && i < a.seeds; ++i)
      task.seeds.push_back(a.numbers.seed + static_cast<std::uint64_t>(i));
    tasks.push_back(std::move(task));
  }
  const std::vector<Problem> problems = load_problems(a.mdp, a.starts);
  const auto at = report_points(a);
  for (const std::string& sentence : broken_assumptions(problems[0].mdp))
    std::fprintf(stderr, "warning: %s\n", sentence.c_str());
  perform_all(tasks, problems, a, at);
  if (!a.csv.empty()) write_file(a.csv, csv(tasks, problems));
  if (!a.plot.empty()) {
    std::vector<Curve> curves;
    for (const Task& task : tasks)
      for (std::size_t s = 0; s < problems.size(); ++s)
        curves.push_back({task.method, &problems[s],
                          mean_of(&task.rows[s * task.seeds.size()], task.seeds.size())});
    draw(a.plot, a.numbers, curves);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("tabular", [&] { return tabular(argc, argv); });
}
