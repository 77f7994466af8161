// SPDX-License-Identifier: MIT
// The methods of the long figures from several starts at once, one per lane of a pack.
#include "lockstep.hpp"

#include <optiform/environments/tabular/lockstep.hpp>

#include "run_method.hpp"

using namespace optiform;

namespace {

template <class Optimizer, class Restart = void, class Options>
void together(const std::vector<Problem>& problems, const std::vector<std::int64_t>& at,
              const LockstepReport& report, const Options& options) {
  using Lanes = Pack<double>;
  context_t<Cpu> context(1);
  std::vector<const TabularMdp<>*> mdps;
  for (const Problem& problem : problems) mdps.push_back(&problem.mdp);
  Lockstep<Optimizer, SoftmaxTable, TabularMdp<5, 5, Lanes>, Cpu> runs(mdps, context,
                                                                       {.improvement = options});
  for (Index i = 0; i < runs.size(); ++i)
    runs.start_from(i, problems[static_cast<std::size_t>(i)].start.data());
  std::int64_t done = 0;
  for (const std::int64_t iteration : at) {
    runs.run(iteration - done);
    done = iteration;
    for (Index i = 0; i < runs.size(); ++i) {
      Progress progress{iteration, runs.objective(i), runs.gap(i), 0};
      if constexpr (!std::is_void_v<Restart>)
        progress.restarts = runs.run_of(i).template stabilizer<Restart>().restarts(runs.lane_of(i));
      report(static_cast<std::size_t>(i), progress);
    }
  }
}

}  // namespace

void lockstep_policy_gradient(const std::vector<Problem>& p, const Numbers& n,
                              const std::vector<std::int64_t>& at, const LockstepReport& report) {
  auto options = policy_gradient_options(p[0].mdp);
  options.learning_rate = n.rate_or(options.learning_rate);
  together<PolicyOptimizer<PolicyGradient<GradientDescent>, ExactCritic>>(p, at, report, options);
}
void lockstep_heavy_ball(const std::vector<Problem>& p, const Numbers& n,
                         const std::vector<std::int64_t>& at, const LockstepReport& report) {
  auto options = heavy_ball_options(p[0].mdp);
  options.learning_rate = n.rate_or(options.learning_rate);
  together<PolicyOptimizer<PolicyGradient<HeavyBall>, ExactCritic>>(p, at, report, options);
}
void lockstep_accelerated(const std::vector<Problem>& p, const Numbers& n,
                          const std::vector<std::int64_t>& at, const LockstepReport& report) {
  const auto rate = CoefficientSchedule::ramp(n.rate_or(accelerated_rate(p[0].size())));
  const GradientStep<Nesterov>::Options options{.schedules = accelerated_schedules(rate)};
  together<PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, ValueRestart>, ValueRestart>(
      p, at, report, options);
}
