// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <optiform/io/checkpoint.hpp>
#include <optiform/io/parameters.hpp>
#include <optiform/training/any_trainer.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What a run remembers besides tensors.
struct RunState {
  std::int64_t step = 0;  ///< updates done
  double seconds = 0;
  double best_validation_loss = 0;  ///< 0 before the first validation
  double last_validation_loss = 0;
};

namespace detail {

/// Fails with the first setting in which two configurations differ.
inline void require_same_configuration(const nlohmann::json& saved, const nlohmann::json& now,
                                       const std::filesystem::path& directory) {
  for (const auto& [key, value] : now.items()) {
    const auto found = saved.find(key);
    if (found == saved.end())
      fail("cannot resume in ", in_quotes(directory), ": it was saved without the setting '", key,
           "'");
    if (*found != value)
      fail("cannot resume in ", in_quotes(directory), ": ", key, " was ", found->dump(),
           " there and is ", value.dump(), " now");
  }
}

template <class F>
auto with_scalar(DType dtype, void* data, F&& f) {
  return dtype == DType::f64 ? f(static_cast<double*>(data)) : f(static_cast<float*>(data));
}

}  // namespace detail

/// Saves everything that a resume needs: parameters by name, optimizer streams, clock, progress
/// and the configuration that the bits depend on.
inline void save_run(const std::filesystem::path& directory, AnyTrainer& trainer,
                     const RunState& run, const nlohmann::json& configuration) {
  Checkpoint checkpoint;
  checkpoint.step = run.step;
  checkpoint.state = {{"configuration", configuration},
                      {"clock", trainer.clock()},
                      {"seconds", run.seconds},
                      {"best_validation_loss", run.best_validation_loss},
                      {"last_validation_loss", run.last_validation_loss}};
  const auto vectors = trainer.state();
  checkpoint.weights = detail::with_scalar(
      vectors[0].dtype, vectors[0].data,
      [&](const auto* values) { return parameter_sources(trainer.parameters(), values); });
  for (std::size_t i = 1; i < vectors.size(); ++i)
    checkpoint.streams.push_back(
        {{vectors[i].name, vectors[i].dtype, {vectors[i].size}}, vectors[i].data});
  save_checkpoint(directory, checkpoint);
}

/// Restores the newest checkpoint of a directory; false if it holds none.
///
/// Errors    Error when it is damaged, or when its configuration differs: nothing is changed then.
inline bool load_run(const std::filesystem::path& directory, AnyTrainer& trainer, RunState& run,
                     const nlohmann::json& configuration) {
  const auto reader = CheckpointReader::open_latest(directory);
  if (!reader) return false;
  try {
    const auto& state = reader->state();
    detail::require_same_configuration(state.at("configuration"), configuration, directory);
    const auto vectors = trainer.state();
    for (std::size_t i = 1; i < vectors.size(); ++i)
      detail::with_scalar(vectors[i].dtype, vectors[i].data, [&](auto* values) {
        reader->read_stream(vectors[i].name, {vectors[i].size}, values);
      });
    detail::with_scalar(vectors[0].dtype, vectors[0].data, [&](auto* values) {
      read_parameters(reader->weights(), trainer.parameters(), values);
    });
    trainer.set_clock(static_cast<std::int64_t>(detail::count_from_json(state.at("clock"))));
    run = {reader->step(), state.at("seconds"), state.at("best_validation_loss"),
           state.at("last_validation_loss")};
  } catch (const nlohmann::json::exception&) {
    fail("cannot resume in ", in_quotes(directory), ": the checkpoint was not saved by a run");
  }
  return true;
}

/// Restores only the parameters of the newest checkpoint, for generation: their average, if the run
/// kept one. Returns what was saved as the run's configuration. Throws Error; nothing is changed
/// then.
inline nlohmann::json load_parameters(const std::filesystem::path& directory, AnyTrainer& trainer) {
  const auto reader = CheckpointReader::open_latest(directory);
  if (!reader) fail("there is no checkpoint in ", in_quotes(directory));
  const auto values = trainer.state()[0];
  detail::with_scalar(values.dtype, values.data, [&]<class T>(T* data) {
    Buffer<T> read(values.size);
    read_parameters(reader->weights(), trainer.parameters(), read.data());
    if (reader->streams().contains(average_stream))
      detail::read_finite(reader->streams(), average_stream, {values.size}, values.size,
                          read.data());
    std::copy_n(read.data(), read.size(), data);
  });
  return reader->state().value("configuration", nlohmann::json::object());
}

OPTIFORM_NAMESPACE_END
