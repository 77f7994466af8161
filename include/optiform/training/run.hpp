// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

#include <optiform/training/interrupt.hpp>
#include <optiform/training/log.hpp>
#include <optiform/training/prefetch.hpp>
#include <optiform/training/progress.hpp>
#include <optiform/training/run_state.hpp>
#include <optiform/weights/schedules.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// NaN or infinity during training; the run's last checkpoint is untouched.
class NotFinite : public Error {
 public:
  using Error::Error;
};

/// When a run does what.
struct RunOptions {
  std::filesystem::path directory;  ///< log.csv, tensorboard/ and checkpoints/ appear in it
  Schedule schedule;                ///< its `steps` is the length of the run
  Index validate_every = 200;       ///< steps; 0 validates at the end only
  Index save_every = 500;           ///< steps; 0 saves at the end only
  bool resume = false;              ///< go on from the newest checkpoint, if there is one
  nlohmann::json configuration;     ///< must be equal in the checkpoint that is resumed
  std::FILE* out = stdout;          ///< where progress is shown
  double baseline = NAN;            ///< the bigram loss, shown beside the validation loss
};

enum class RunEnd { finished, interrupted };

/// A training run from start, or from its last checkpoint, to end.
///
///   TrainingRun run(trainer, training_tokens, validation_blocks, options);
///   RunEnd end = run([](const LogRow& row) { /* after each step */ });
///
/// Contract  the same numbers as an uninterrupted run, whenever it was stopped: batches and rates
///           are functions of the step. Ctrl-C and SIGTERM save and return `interrupted`.
/// Errors    NotFinite names the first bad tensor, its layer and the step.
class TrainingRun {
 public:
  TrainingRun(AnyTrainer& trainer, TokenView training, const ValidationBlocks& validation,
              RunOptions options)
      : trainer_(trainer),
        validation_(validation),
        options_(std::move(options)),
        batches_(training, trainer.options().length, trainer.options().batch,
                 trainer.options().seed) {
    options_.schedule.validate();
    if (options_.validate_every < 0 || options_.save_every < 0)
      fail("intervals of validation and saving are ", options_.validate_every, " and ",
           options_.save_every, " steps; expected 0 or more");
    const auto& o = trainer.options();
    tokens_.resize(static_cast<std::size_t>(o.batch * o.length));
    targets_.resize(tokens_.size());
  }

  const RunState& state() const { return state_; }
  /// The signal that interrupted the run; 0 if none did.
  int signal() const { return signal_; }
  std::filesystem::path checkpoints() const { return options_.directory / "checkpoints"; }

  template <class Observer>
  RunEnd operator()(Observer&& observe) {
    const Interrupt interrupt;
    const bool resumed =
        options_.resume && load_run(checkpoints(), trainer_, state_, options_.configuration);
    RunLog log(options_.directory, resumed ? state_.step : -1);
    if (!resumed) log.describe("```\n" + options_.configuration.dump(2) + "\n```");
    Progress progress(options_.schedule.steps, options_.out, options_.baseline);
    clock_ = now();
    if (!resumed) report(log, progress, observe, first_row());
    while (state_.step < options_.schedule.steps) {
      if ((signal_ = interrupt.signal()) != 0) break;
      report(log, progress, observe, step());
      if (due(options_.save_every)) save(log);
    }
    progress.clear();
    if (!due(options_.save_every)) save(log);
    log.flush();
    return state_.step < options_.schedule.steps ? RunEnd::interrupted : RunEnd::finished;
  }

  /// Mean loss over the validation blocks.
  double validate() {
    const auto& o = trainer_.options();
    double sum = 0;
    for (Index first = 0; first < validation_.count; first += o.batch) {
      const Index batch = std::min(o.batch, validation_.count - first);
      for (Index i = 0; i < batch; ++i) {
        std::copy_n(validation_.tokens(first + i), o.length, tokens_.data() + i * o.length);
        std::copy_n(validation_.targets(first + i), o.length, targets_.data() + i * o.length);
      }
      sum += static_cast<double>(batch) * trainer_.evaluate(batch, tokens_.data(), targets_.data());
    }
    return sum / static_cast<double>(validation_.count);
  }

 private:
  static constexpr double empty = std::numeric_limits<double>::quiet_NaN();

  bool due(Index every) const {
    return state_.step == options_.schedule.steps || (every > 0 && state_.step % every == 0);
  }

  static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  /// Seconds since the last call, added to those of the run.
  double lap() {
    const double before = clock_;
    clock_ = now();
    state_.seconds += clock_ - before;
    return clock_ - before;
  }

  LogRow first_row() {
    LogRow row{.training_loss = empty,
               .validation_loss = validated(),
               .learning_rate = empty,
               .gradient_norm = empty,
               .tokens_per_second = empty};
    lap();
    row.seconds = state_.seconds;
    return row;
  }

  double validated() {
    const double loss = validate();
    require_finite("validation loss", loss);
    state_.last_validation_loss = loss;
    if (state_.best_validation_loss == 0 || loss < state_.best_validation_loss)
      state_.best_validation_loss = loss;
    return loss;
  }

  void require_finite(const char* what, double value) const {
    if (std::isfinite(value)) return;
    const std::string where = trainer_.first_bad_tensor();
    throw NotFinite(message(what, " is ", std::isnan(value) ? "NaN" : "infinite", " at step ",
                            state_.step, ": ",
                            where.empty() ? "every parameter and gradient is still finite"
                                          : "the first bad tensor is " + where));
  }

  LogRow step() {
    const auto& o = trainer_.options();
    LogRow row{.validation_loss = empty, .learning_rate = options_.schedule(state_.step)};
    double loss = 0;
    for (Index pass = 0; pass < o.accumulate; ++pass) {
      const auto batch = batches_((state_.step * o.accumulate + pass) * o.batch);
      loss += trainer_.accumulate(batch.tokens, batch.targets);
    }
    row.training_loss = loss / static_cast<double>(o.accumulate);
    require_finite("training loss", row.training_loss);
    row.gradient_norm = trainer_.update(row.learning_rate);
    require_finite("gradient norm", row.gradient_norm);
    row.step = ++state_.step;
    const Index tokens = o.accumulate * o.batch * o.length;
    row.tokens = state_.step * tokens;
    row.tokens_per_second = static_cast<double>(tokens) / lap();
    if (due(options_.validate_every)) {
      row.validation_loss = validated();
      lap();
    }
    row.seconds = state_.seconds;
    return row;
  }

  template <class Observer>
  void report(RunLog& log, Progress& progress, Observer& observe, const LogRow& row) {
    log.append(row);
    if (std::isfinite(row.validation_loss)) log.flush();  // for those who watch
    const double done = static_cast<double>(std::max<std::int64_t>(state_.step, 1));
    const double left = static_cast<double>(options_.schedule.steps - state_.step);
    if (row.step > 0)
      speed_ = speed_ == 0 ? row.tokens_per_second : 0.95 * speed_ + 0.05 * row.tokens_per_second;
    progress.show(state_.step, row.training_loss, row.validation_loss, speed_,
                  left * state_.seconds / done, std::isfinite(row.validation_loss));
    observe(row);
    clock_ = now();  // what observers do is not training
  }

  void save(RunLog& log) {
    log.flush();
    save_run(checkpoints(), trainer_, state_, options_.configuration);
    clock_ = now();
  }

  AnyTrainer& trainer_;
  ValidationBlocks validation_;
  RunOptions options_;
  PrefetchedBatches batches_;
  std::vector<std::int32_t> tokens_, targets_;  // of a validation batch
  RunState state_;
  double clock_ = 0, speed_ = 0;
  int signal_ = 0;
};

OPTIFORM_NAMESPACE_END
