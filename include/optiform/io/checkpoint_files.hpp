// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include <optiform/io/atomic_file.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// What tells one save from all others in its directory. `save` counts saves and never repeats,
/// so that nothing is ever overwritten, not even when a step is saved twice.
struct CheckpointId {
  std::int64_t save = 0, step = 0;
  auto operator<=>(const CheckpointId&) const = default;
};

/// `step-00001000-save-0017`
inline std::string checkpoint_stem(CheckpointId id) {
  const auto digits = [](std::int64_t value, std::size_t width) {
    const std::string text = std::to_string(value);
    return text.size() < width ? std::string(width - text.size(), '0') + text : text;
  };
  return "step-" + digits(id.step, 8) + "-save-" + digits(id.save, 4);
}

/// One file of a checkpoint directory whose name is ours.
struct CheckpointFile {
  CheckpointId id;
  std::string name;
  bool manifest = false;
};

inline constexpr std::string_view weights_suffix = ".weights.safetensors";
inline constexpr std::string_view streams_suffix = ".optimizer.safetensors";
inline constexpr std::string_view manifest_suffix = ".json";

/// Understands exactly the names that checkpoint_stem and the suffixes make, and their '.tmp'.
inline bool parse_checkpoint_name(const std::string& name, CheckpointFile& file) {
  const std::string_view text = name, step = "step-", save = "-save-";
  if (!text.starts_with(step)) return false;
  const char* const end = name.data() + name.size();
  auto parsed = std::from_chars(name.data() + step.size(), end, file.id.step);
  if (parsed.ec != std::errc{}) return false;
  const auto middle = static_cast<std::size_t>(parsed.ptr - name.data());
  if (text.substr(middle, save.size()) != save) return false;
  parsed = std::from_chars(name.data() + middle + save.size(), end, file.id.save);
  if (parsed.ec != std::errc{} || file.id.step < 0 || file.id.save < 0) return false;
  const std::string stem = checkpoint_stem(file.id);
  if (!text.starts_with(stem)) return false;
  const std::string_view rest = text.substr(stem.size());
  for (const std::string_view suffix : {weights_suffix, streams_suffix, manifest_suffix}) {
    if (!rest.starts_with(suffix)) continue;
    file.name = name;
    file.manifest = rest == manifest_suffix;
    return rest == suffix || rest.substr(suffix.size()) == ".tmp";
  }
  return false;
}

/// All files of ours in a directory, oldest save first.
inline std::vector<CheckpointFile> list_checkpoint_files(const std::filesystem::path& directory) {
  std::vector<CheckpointFile> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    CheckpointFile file;
    if (parse_checkpoint_name(entry->path().filename().string(), file)) files.push_back(file);
  }
  if (error) fail("cannot list the directory ", in_quotes(directory), ": ", error.message());
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return a.id != b.id ? a.id < b.id : a.name < b.name;
  });
  return files;
}

/// The complete checkpoints among them: those with a manifest.
inline std::vector<CheckpointId> complete_checkpoints(const std::vector<CheckpointFile>& files) {
  std::vector<CheckpointId> ids;
  for (const CheckpointFile& file : files)
    if (file.manifest) ids.push_back(file.id);
  return ids;
}

/// Removes every file whose save is not in `kept`. Manifests go first: a kill in between leaves
/// data that nobody refers to, never a manifest without its data.
inline void remove_checkpoints_except(const std::filesystem::path& directory,
                                      const std::vector<CheckpointId>& kept) {
  const auto files = list_checkpoint_files(directory);
  for (const bool manifests : {true, false})
    for (const CheckpointFile& file : files)
      if (file.manifest == manifests &&
          (std::find(kept.begin(), kept.end(), file.id) == kept.end() ||
           file.name.ends_with(".tmp")))
        ::unlink((directory / file.name).c_str());  // a file that stays is tried again next time
}

/// Keeps a second process from saving into the same directory; released by a kill too.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::filesystem::path& directory)
      : handle_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (!handle_.open())
      fail("cannot open the directory ", in_quotes(directory), ": ", reason(errno));
    if (::flock(handle_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      fail("cannot save into ", in_quotes(directory), ": another process is saving into it");
  }

 private:
  FileDescriptor handle_;
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
