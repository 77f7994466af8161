// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <optiform/core/error.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/environments/concept.hpp>
#include <optiform/policy/critics/gae.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Returns (sums of rewards) and lengths of finished episodes; the latest `kept` stay.
class EpisodeLog {
 public:
  static constexpr int kept = 1024;
  struct Episode {
    double total = 0;
    std::int64_t length = 0;
  };

  EpisodeLog() : latest_(static_cast<std::size_t>(kept)) {}
  void add(const Episode& episode) {
    latest_[static_cast<std::size_t>(episodes_ % kept)] = episode;
    ++episodes_;
  }
  std::int64_t episodes() const { return episodes_; }
  /// The n-th last episode, n = 0, 1, ...; fewer than `kept` and episodes().
  const Episode& episode(std::int64_t n = 0) const {
    return latest_[static_cast<std::size_t>((episodes_ - 1 - n) % kept)];
  }
  /// Mean return of the last n episodes, or of as many as there are; 0 without any.
  double mean_return(std::int64_t n) const {
    n = std::min({n, episodes_, static_cast<std::int64_t>(kept)});
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += episode(i).total;
    return n > 0 ? sum / static_cast<double>(n) : 0;
  }

 private:
  std::vector<Episode> latest_;
  std::int64_t episodes_ = 0;
};

/// Many copies of an environment, stepped together. A copy whose episode ended begins the next one
/// at once; what it last showed is kept apart.
///
/// Shapes    action [environments, ActionSpace::columns]; observation = [environments,
///           observation_size]
/// Contract  copy i draws from stream `first_stream` + i of the seed, so results do not depend on
///           the number of threads. After the constructor nothing is allocated.
/// Limits    copies are handed to threads `E::copies_per_task` at a time, or 64 where the
///           environment does not say: cheap ones are not worth a thread.
/// Errors    Error for a number of environments below 1.
template <class E, class T>
  requires Environment<E>
class Runner {
 public:
  using ActionSpace = typename E::ActionSpace;
  using ActionNumber = typename ActionSpace::template Number<T>;
  static constexpr Index observation_size = E::observation_size;

  Runner(const E& prototype, int environments, std::uint64_t seed, std::uint64_t first_stream = 0) {
    if (environments < 1) fail("environments = ", environments, ", expected at least 1");
    copies_.reserve(static_cast<std::size_t>(environments));
    observation_.reset(environments * observation_size);
    final_.reset(environments * observation_size);
    for (int i = 0; i < environments; ++i) {
      copies_.push_back(
          {prototype, Rng(seed, first_stream + static_cast<std::uint64_t>(i)), {}, {}});
      begin_episode(i);
    }
  }

  int environments() const { return static_cast<int>(copies_.size()); }
  /// What each copy shows now, at the start of the next episode where one has ended.
  const T* observation() const { return observation_.data(); }
  /// What each copy showed last in the episode that its last step ended; elsewhere undefined.
  const T* final_observation() const { return final_.data(); }
  const Outcome& outcome(int i) const { return copy(i).outcome; }

  template <class Context>
  void step(Context& context, const ActionNumber* action) {
    constexpr int task = [] {
      if constexpr (requires { E::copies_per_task; }) return E::copies_per_task;
      return 64;
    }();
    const int count = environments();
    context.parallel((count + task - 1) / task, [&](Index n, int) {
      const int last = std::min(count, static_cast<int>(n + 1) * task);
      for (int i = static_cast<int>(n) * task; i < last; ++i)
        step(i, action + i * ActionSpace::columns);
    });
    steps_ += count;
    // In the order of the copies, whichever thread was first.
    for (int i = 0; i < count; ++i) {
      Copy& c = copy(i);
      c.episode.total += c.outcome.reward;
      ++c.episode.length;
      if (!ended(i)) continue;
      log_.add(c.episode);
      c.episode = {};
    }
  }

  bool ended(int i) const { return outcome(i).terminated || outcome(i).truncated; }
  const EpisodeLog& log() const { return log_; }
  /// Steps of all copies together.
  std::int64_t steps() const { return steps_; }

 private:
  struct Copy {
    E environment;
    Rng rng;
    Outcome outcome;
    EpisodeLog::Episode episode;
  };

  Copy& copy(int i) { return copies_[static_cast<std::size_t>(i)]; }
  const Copy& copy(int i) const { return copies_[static_cast<std::size_t>(i)]; }

  void step(int i, const ActionNumber* action) {
    Copy& c = copy(i);
    if constexpr (detail::environment_steps_at_random<E>) {
      c.outcome = c.environment.step(ActionSpace::action(action), c.rng);
    } else {
      c.outcome = c.environment.step(ActionSpace::action(action));
    }
    if (ended(i)) {
      c.environment.observe(final_.data() + i * observation_size);
      begin_episode(i);
    } else {
      c.environment.observe(observation_.data() + i * observation_size);
    }
  }
  void begin_episode(int i) {
    copy(i).environment.reset(copy(i).rng);
    copy(i).environment.observe(observation_.data() + i * observation_size);
  }

  std::vector<Copy> copies_;
  Buffer<T> observation_, final_;
  EpisodeLog log_;
  std::int64_t steps_ = 0;
};

template <class E, class T>
  requires Environment<E>
struct rollout_runner<E, T> {
  using type = Runner<E, T>;
};

OPTIFORM_NAMESPACE_END
