// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <optiform/io/checkpoint_manifest.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What a training run needs to go on as if it had never stopped.
struct Checkpoint {
  std::int64_t step = 0;
  nlohmann::json state;               ///< configuration, data position, clock, log offsets, ...
  std::vector<TensorSource> weights;  ///< under the names that Python uses
  std::vector<TensorSource> streams;  ///< whatever the optimizer carries
};

/// Adds a checkpoint to a directory (made if missing) and removes all but the newest `keep`.
///
///   step-00001000-save-0017.weights.safetensors      readable by Python as it is
///   step-00001000-save-0017.optimizer.safetensors
///   step-00001000-save-0017.json                     manifest: checksums, sizes, state
///
/// Contract  each file appears complete (see AtomicFile), the manifest last: its rename is the
///           moment of the save. Before it the older checkpoint counts, after it the new one, so
///           a kill or a power failure costs at most the save it interrupts. What such a save
///           left behind is removed by the next one.
/// Errors    Error (full disk, no permission, two processes saving here, a state with NaN): the
///           files of this save are removed and older checkpoints stay as they are.
inline void save_checkpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint,
                            int keep = 1) {
  if (checkpoint.step < 0) fail("cannot save a checkpoint of step ", checkpoint.step);
  if (keep < 1) fail("cannot keep ", keep, " checkpoints in ", in_quotes(directory));
  std::error_code error;
  const bool made = std::filesystem::create_directories(directory, error);
  if (error) fail("cannot make the directory ", in_quotes(directory), ": ", error.message());
  if (made) detail::sync_directory(std::filesystem::absolute(directory).parent_path());
  const detail::DirectoryLock lock(directory);

  const auto files = detail::list_checkpoint_files(directory);
  auto complete = detail::complete_checkpoints(files);
  detail::remove_checkpoints_except(directory, complete);  // leftovers of a killed save

  detail::CheckpointManifest manifest;
  manifest.id.step = checkpoint.step;
  manifest.id.save = files.empty() ? 1 : files.back().id.save + 1;
  manifest.state = checkpoint.state;
  const auto file = [&](std::string_view suffix) {
    return directory / (detail::checkpoint_stem(manifest.id) + std::string(suffix));
  };
  try {
    const std::map<std::string, std::string> metadata{{"format", "pt"},
                                                      {"step", std::to_string(checkpoint.step)}};
    manifest.weights =
        write_safetensors(file(detail::weights_suffix), checkpoint.weights, metadata);
    manifest.streams =
        write_safetensors(file(detail::streams_suffix), checkpoint.streams, metadata);
    AtomicFile out(file(detail::manifest_suffix));
    out.write(detail::write_manifest(manifest));
    out.commit();
  } catch (...) {
    // If the manifest is there, the save has happened and only its durability is in doubt.
    if (!std::filesystem::exists(file(detail::manifest_suffix), error)) {
      ::unlink(file(detail::weights_suffix).c_str());
      ::unlink(file(detail::streams_suffix).c_str());
    }
    throw;
  }
  complete.push_back(manifest.id);
  const auto count = std::min(complete.size(), static_cast<std::size_t>(keep));
  complete.erase(complete.begin(), complete.end() - static_cast<std::ptrdiff_t>(count));
  detail::remove_checkpoints_except(directory, complete);
}

/// The steps of the complete checkpoints in a directory, oldest save first.
inline std::vector<std::int64_t> checkpoint_steps(const std::filesystem::path& directory) {
  std::vector<std::int64_t> steps;
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) return steps;
  for (const auto id : detail::complete_checkpoints(detail::list_checkpoint_files(directory)))
    steps.push_back(id.step);
  return steps;
}

/// A checkpoint open for reading, after every byte of it was checked against its manifest.
///
/// Contract  the files stay readable while newer saves remove their names.
/// Errors    Error with one sentence for any missing, changed or truncated file, naming it (and
///           the tensor, if the damage is in one). A damaged newest checkpoint is refused, never
///           silently replaced by an older one: `open(directory, step)` takes that on request.
class CheckpointReader {
 public:
  /// The most recently saved checkpoint; nothing if the directory is missing or holds none.
  static std::optional<CheckpointReader> open_latest(const std::filesystem::path& directory) {
    return open_newest(directory, [](detail::CheckpointId) { return true; });
  }

  /// The most recently saved checkpoint of a given step.
  static CheckpointReader open(const std::filesystem::path& directory, std::int64_t step) {
    auto reader = open_newest(directory, [=](detail::CheckpointId id) { return id.step == step; });
    if (!reader) fail("there is no checkpoint of step ", step, " in ", in_quotes(directory));
    return std::move(*reader);
  }

  std::int64_t step() const { return manifest_.id.step; }
  const nlohmann::json& state() const { return manifest_.state; }
  const SafetensorsFile& weights() const { return weights_; }
  const SafetensorsFile& streams() const { return streams_; }

  template <class T>
  void read_weight(const std::string& name, const std::vector<Index>& shape, T* out) const {
    weights_.read(name, shape, out);
  }
  template <class T>
  void read_stream(const std::string& name, const std::vector<Index>& shape, T* out) const {
    streams_.read(name, shape, out);
  }

 private:
  CheckpointReader(const std::string& stem, detail::CheckpointId id)
      : manifest_(
            detail::read_manifest(InputFile(stem + std::string(detail::manifest_suffix)), id)),
        weights_(stem + std::string(detail::weights_suffix), {.strip_orig_mod = false}),
        streams_(stem + std::string(detail::streams_suffix), {.strip_orig_mod = false}) {
    verify(weights_, manifest_.weights);
    verify(streams_, manifest_.streams);
  }

  template <class Wanted>
  static std::optional<CheckpointReader> open_newest(const std::filesystem::path& directory,
                                                     Wanted wanted) {
    const auto newest = [&]() -> std::optional<detail::CheckpointId> {
      std::error_code error;
      if (!std::filesystem::exists(directory, error)) return std::nullopt;
      auto ids = detail::complete_checkpoints(detail::list_checkpoint_files(directory));
      std::erase_if(ids, [&](detail::CheckpointId id) { return !wanted(id); });
      return ids.empty() ? std::nullopt : std::optional(ids.back());
    };
    for (auto id = newest(); id;) {
      try {
        return CheckpointReader((directory / detail::checkpoint_stem(*id)).string(), *id);
      } catch (const Error&) {
        // A newer save may just have removed these files; then that one is the latest.
        const auto now = newest();
        if (now == id) throw;
        id = now;
      }
    }
    return std::nullopt;
  }

  static void verify(const SafetensorsFile& file, const SafetensorsChecksums& expected) {
    const auto refuse = [&](const auto&... parts) {
      fail("cannot use the checkpoint file ", in_quotes(file.path()),
           ": it is damaged: ", parts...);
    };
    const SafetensorsChecksums found = file.checksums();
    if (found.file_bytes != expected.file_bytes)
      refuse("it has ", found.file_bytes, " bytes, saved were ", expected.file_bytes);
    if (found.header_bytes != expected.header_bytes || found.header != expected.header ||
        found.tensors.size() != expected.tensors.size())
      refuse("its header is not the one that was saved");
    for (std::size_t i = 0; i < found.tensors.size(); ++i)
      if (found.tensors[i] != expected.tensors[i])
        refuse("tensor ", in_quotes(expected.tensors[i].first), " is not the one that was saved");
  }

  detail::CheckpointManifest manifest_;
  SafetensorsFile weights_, streams_;
};

OPTIFORM_NAMESPACE_END
