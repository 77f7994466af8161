// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include <optiform/core/error.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/policy/random_streams.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How the advantages of a rollout are centred and scaled before a surrogate sees them:
/// (A - mean) / (deviation + 1e-8), the deviation that of a sample (n - 1).
enum class AdvantageScale : unsigned char {
  raw,       ///< as they are
  batch,     ///< by the whole rollout's
  minibatch  ///< by each minibatch's own
};

/// What followed one action.
enum class Ending : unsigned char {
  none,        ///< the episode went on
  truncated,   ///< it was cut short
  terminated,  ///< it was over
};

/// Actions of one policy and what they were worth, as one step of an improvement sees them. The
/// objective of a surrogate is its mean over the rows.
///
/// Shapes    observation [rows, observation size]; action [rows, columns]; others [rows].
template <class T, class ActionNumber>
struct RolloutPart {
  Index rows = 0;
  const T* observation = nullptr;
  const ActionNumber* action = nullptr;
  const T* old_log_probability = nullptr;  ///< under the policy that acted
  const T* advantage = nullptr;
  const T* target = nullptr;  ///< what the value of the observation should have been
};

/// Steps of many environments under one policy.
///
/// Shapes    row t * environments + i is step t of environment i; observation [steps, environments,
///           observation size], action [steps, environments, columns], others
///           [steps, environments].
/// Contract  a hook may write advantages and targets. `divide` draws a new order if there is more
///           than one part; every row is in one part. A part is valid until the next call of
///           `part`.
template <class T, class ActionNumber>
class RolloutBatch {
 public:
  using Part = RolloutPart<T, ActionNumber>;

  RolloutBatch(int steps, int environments, Index observation_size, Index action_columns,
               AdvantageScale scale, std::uint64_t seed)
      : steps_(steps),
        environments_(environments),
        observation_size_(observation_size),
        action_columns_(action_columns),
        scale_(scale),
        rng_(seed, stream_number(RandomStream::order)) {
    if (steps < 1) fail("steps = ", steps, ", expected at least 1");
    if (environments < 1) fail("environments = ", environments, ", expected at least 1");
    for (Storage* s : {&all_, &picked_}) {
      s->observation.reset(rows() * observation_size);
      s->action.reset(rows() * action_columns);
      for (auto* numbers : {&s->log_probability, &s->advantage, &s->target}) numbers->reset(rows());
    }
    for (auto* numbers : {&reward_, &value_, &next_value_}) numbers->reset(rows());
    ending_.reset(rows());
    order_.reset(rows());
    for (Index r = 0; r < rows(); ++r) order_[r] = r;
  }

  int steps() const { return steps_; }
  int environments() const { return environments_; }
  Index rows() const { return static_cast<Index>(steps_) * environments_; }
  AdvantageScale scale() const { return scale_; }

  T* observation(Index row = 0) { return all_.observation.data() + row * observation_size_; }
  ActionNumber* action(Index row = 0) { return all_.action.data() + row * action_columns_; }
  T* log_probability() { return all_.log_probability.data(); }
  T* advantage() { return all_.advantage.data(); }
  T* target() { return all_.target.data(); }
  T* reward() { return reward_.data(); }
  T* value() { return value_.data(); }            ///< of the observation
  T* next_value() { return next_value_.data(); }  ///< of what the action led to
  Ending* ending() { return ending_.data(); }

  void divide(int parts) {
    if (parts > rows()) fail("minibatches = ", parts, ", expected at most the ", rows(), " rows");
    parts_ = parts;
    if (parts > 1) rng_.shuffle(order_.data(), rows());
  }
  Part part(int n) {
    const Index first = rows() * n / parts_, last = rows() * (n + 1) / parts_;
    const bool whole = parts_ == 1;
    if (!whole) gather(first, last);
    const Storage& from = whole ? all_ : picked_;
    Part part{last - first,          from.observation.data(),
              from.action.data(),    from.log_probability.data(),
              from.advantage.data(), from.target.data()};
    if (scale_ == AdvantageScale::minibatch) {
      standardise(part.rows, part.advantage, picked_.advantage.data());
      part.advantage = picked_.advantage.data();
    }
    return part;
  }
  /// Scales all advantages where the whole rollout decides how.
  void scale_advantages() {
    if (scale_ == AdvantageScale::batch) standardise(rows(), advantage(), advantage());
  }

 private:
  struct Storage {
    Buffer<T> observation, log_probability, advantage, target;
    Buffer<ActionNumber> action;
  };

  void gather(Index first, Index last) {
    for (Index r = 0; r < last - first; ++r) {
      const Index from = order_[first + r];
      for (Index i = 0; i < observation_size_; ++i)
        picked_.observation[r * observation_size_ + i] =
            all_.observation[from * observation_size_ + i];
      for (Index i = 0; i < action_columns_; ++i)
        picked_.action[r * action_columns_ + i] = all_.action[from * action_columns_ + i];
      picked_.log_probability[r] = all_.log_probability[from];
      picked_.advantage[r] = all_.advantage[from];
      picked_.target[r] = all_.target[from];
    }
  }
  static void standardise(Index n, const T* from, T* to) {
    double mean = 0, square = 0;
    for (Index i = 0; i < n; ++i) mean += static_cast<double>(from[i]);
    mean /= static_cast<double>(n);
    for (Index i = 0; i < n; ++i) {
      const double centred = static_cast<double>(from[i]) - mean;
      square += centred * centred;
    }
    const double deviation = n > 1 ? math::sqrt(square / static_cast<double>(n - 1)) : 0;
    for (Index i = 0; i < n; ++i)
      to[i] = (from[i] - static_cast<T>(mean)) * static_cast<T>(1 / (deviation + 1e-8));
  }

  int steps_, environments_, parts_ = 1;
  Index observation_size_, action_columns_;
  AdvantageScale scale_;
  Rng rng_;
  Storage all_, picked_;
  Buffer<T> reward_, value_, next_value_;
  Buffer<Ending> ending_;
  Buffer<Index> order_;
};

OPTIFORM_NAMESPACE_END
