// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include <optiform/core/backend.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/environments/tabular/small_mdp.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Many small processes of one size, or one process from many starts and seeds, optimised at once:
/// one instance per lane of a pack, groups of lanes shared out to the threads.
///
///   Lockstep<Apg, SoftmaxTable, TabularMdp<5, 5, Pack<double>>, Cpu> many(mdps, context, options);
///   many.run(1000);
///   many.gap(17);
///
/// Contract  every instance takes the steps it would take alone; how many threads there are changes
///           nothing. Instances draw random numbers from streams of their own.
/// Errors    Error without instances, or if a process has other sizes.
template <class Optimizer, class Policy, class Environment, class Backend>
class Lockstep {
 public:
  using Scalar = typename Environment::Scalar;
  using Run = typename Optimizer::template on<Policy, Environment, Backend, Scalar>;
  static constexpr int lanes = lane_count<Scalar>;

  /// One instance per process; the same one may be named many times.
  Lockstep(const std::vector<const TabularMdp<>*>& mdps, context_t<Backend>& context,
           typename Run::Options options = {})
      : size_(static_cast<Index>(mdps.size())), context_(context) {
    if (mdps.empty()) fail("lockstep of 0 processes, expected at least 1");
    std::vector<const TabularMdp<>*> group(static_cast<std::size_t>(lanes));
    for (Index first = 0; first < size_; first += lanes) {
      // The rest of the last group repeats its last instance.
      for (int i = 0; i < lanes; ++i) {
        const Index instance = first + i < size_ ? first + i : size_ - 1;
        group[static_cast<std::size_t>(i)] = mdps[static_cast<std::size_t>(instance)];
      }
      if constexpr (requires { options.critic.first_stream; })
        options.critic.first_stream = static_cast<std::uint64_t>(first);
      groups_.push_back(std::make_unique<Group>(group, context, options));
    }
  }

  Index size() const { return size_; }
  /// Starts an instance, and the others of its group, again from logits, [states, actions].
  void start_from(Index instance, const double* logits) {
    run_of(instance).start_from(logits, lane_of(instance));
  }
  /// Iterations of every instance.
  void run(Index iterations) {
    context_.parallel(static_cast<Index>(groups_.size()), [&](Index g, int) {
      Run& optimizer = groups_[static_cast<std::size_t>(g)]->optimizer;
      for (Index i = 0; i < iterations; ++i) optimizer.step();
    });
  }

  double objective(Index instance) {
    const Scalar all = run_of(instance).objective();
    return static_cast<double>(lane(all, lane_of(instance)));
  }
  double gap(Index instance) {
    const Scalar all = run_of(instance).gap();
    return static_cast<double>(lane(all, lane_of(instance)));
  }
  /// The optimizer that carries an instance, in lane `lane_of(instance)`.
  Run& run_of(Index instance) {
    return groups_[static_cast<std::size_t>(instance / lanes)]->optimizer;
  }
  static int lane_of(Index instance) { return static_cast<int>(instance % lanes); }

 private:
  struct Group {
    Group(const std::vector<const TabularMdp<>*>& mdps, context_t<Backend>& context,
          const typename Run::Options& options)
        : environment(mdps), optimizer(environment, context, options) {}
    Environment environment;
    Run optimizer;
  };

  Index size_;
  context_t<Backend>& context_;
  std::vector<std::unique_ptr<Group>> groups_;
};

OPTIFORM_NAMESPACE_END
