// SPDX-License-Identifier: MIT
#pragma once

#include <sys/file.h>

#include <cstdio>
#include <vector>

#include <optiform/io/file.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Makes the names in a directory survive a power failure.
inline void sync_directory(const std::filesystem::path& directory) {
  const FileDescriptor handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a directory and say so with EINVAL: nothing more to be done.
  if (!handle.open() || (::fsync(handle.get()) != 0 && errno != EINVAL))
    fail("cannot sync the directory ", in_quotes(directory), ": ", reason(errno));
}

/// Where a write to `path` really lands: behind symbolic links, and never on a device.
inline std::filesystem::path write_target(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path target = path;
  for (int links = 0; std::filesystem::is_symlink(target, error); ++links) {
    if (links == 40) fail("cannot write ", in_quotes(path), ": its symbolic links go in a circle");
    target = target.parent_path() / std::filesystem::read_symlink(target, error);
  }
  const auto status = std::filesystem::status(target, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    fail("cannot write ", in_quotes(path), ": it exists and is not a regular file");
  if (!target.has_filename()) fail("cannot write ", in_quotes(path), ": it names no file");
  return target;
}

}  // namespace detail

/// A file that appears under its name complete, or not at all.
///
///   AtomicFile file("model.bin");
///   file.write(data, bytes);
///   file.commit();                       // before this line nobody sees a change
///
/// Contract  bytes go to 'NAME.tmp' beside the target; commit() syncs it, renames it over the
///           target and syncs the directory. Without commit() the temporary is removed. A kill
///           leaves at most that temporary, which the next writer of the same name takes over.
/// Errors    Error with one sentence where anything fails (a full disk, no permission, another
///           process writing the same file); the temporary is gone then, the target untouched.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path) : target_(detail::write_target(path)) {
    temporary_ = target_;
    temporary_ += ".tmp";
    while (!acquire()) {
    }
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() { abandon(); }

  void write(const void* data, std::size_t bytes) {
    if (bytes < buffer_bytes) {
      const auto* from = static_cast<const char*>(data);
      buffer_.insert(buffer_.end(), from, from + bytes);
      if (buffer_.size() >= buffer_bytes) flush();
      return;
    }
    flush();
    write_through(static_cast<const char*>(data), bytes);
  }
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Makes the file appear. Nothing may be written afterwards.
  void commit() {
    flush();
    if (::fsync(file_.get()) != 0) give_up();
    if (std::rename(temporary_.c_str(), target_.c_str()) != 0) give_up();
    file_.reset();
    const auto directory = target_.parent_path();
    detail::sync_directory(directory.empty() ? std::filesystem::path(".") : directory);
  }

 private:
  static constexpr std::size_t buffer_bytes = std::size_t{1} << 18;

  /// Opens the temporary and locks it; false if another writer renamed it away in between.
  bool acquire() {
    file_ = detail::FileDescriptor(
        ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666));
    if (!file_.open())
      fail("cannot write ", in_quotes(target_), ": cannot create ",
           in_quotes(temporary_.filename().string()), ": ", detail::reason(errno));
    struct stat held, named;
    if (::fstat(file_.get(), &held) != 0 || !S_ISREG(held.st_mode)) {
      file_.reset();
      fail("cannot write ", in_quotes(target_), ": ", in_quotes(temporary_.filename().string()),
           " is in the way and is not a regular file");
    }
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      file_.reset();
      fail("cannot write ", in_quotes(target_), ": another process is writing it");
    }
    // Only the holder of the lock renames; so if the name still means this file, it stays ours.
    if (::stat(temporary_.c_str(), &named) != 0 || named.st_ino != held.st_ino ||
        named.st_dev != held.st_dev) {
      file_.reset();
      return false;
    }
    if (::ftruncate(file_.get(), 0) != 0) give_up();
    return true;
  }

  void flush() {
    write_through(buffer_.data(), buffer_.size());
    buffer_.clear();
  }

  void write_through(const char* data, std::size_t bytes) {
    OPTIFORM_ASSERT(file_.open(), "AtomicFile: write after commit or failure");
    while (bytes > 0) {
      const ssize_t done = ::write(file_.get(), data, std::min<std::size_t>(bytes, 1u << 30));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) give_up();
      data += done;
      bytes -= static_cast<std::size_t>(done);
    }
  }

  [[noreturn]] void give_up() {
    const int error = errno;
    std::error_code ignored;
    const bool existed = std::filesystem::exists(target_, ignored);
    abandon();
    fail("cannot write ", in_quotes(target_), ": ", detail::reason(error),
         existed ? "; the existing file is unchanged" : "; nothing was left behind");
  }

  void abandon() noexcept {
    if (!file_.open()) return;
    ::unlink(temporary_.c_str());  // before the lock is released: it is still ours
    file_.reset();
  }

  std::filesystem::path target_, temporary_;
  detail::FileDescriptor file_;
  std::vector<char> buffer_;
};

/// Writes a whole file, or leaves what was there. Errors  as AtomicFile.
inline void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

OPTIFORM_NAMESPACE_END
