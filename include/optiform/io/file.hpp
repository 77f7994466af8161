// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A name or path from outside, fit to stand in a sentence: one line, quoted, not endless.
inline std::string in_quotes(const std::string& name) {
  constexpr std::size_t longest = 200;
  std::string out = "'";
  for (const char c : std::string_view(name).substr(0, longest))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return out + (name.size() > longest ? "...'" : "'");
}

namespace detail {

/// The operating system's words for an errno value.
inline std::string reason(int error) { return std::generic_category().message(error); }

/// Owns a POSIX file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int value = -1) : value_(value) {}
  FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~FileDescriptor() { reset(); }

  int get() const { return value_; }
  bool open() const { return value_ >= 0; }
  void reset() {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }

 private:
  int value_;
};

}  // namespace detail

/// A regular file open for reading at any position.
///
/// Contract  stays readable when its name is removed or replaced meanwhile.
/// Errors    Error where it is missing, unreadable, a directory, a device, or ends early.
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path) : path_(std::move(path)) {
    // O_NONBLOCK: a named pipe without a writer must be refused, not waited for.
    file_ = detail::FileDescriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file_.open()) fail("cannot open ", in_quotes(path_), ": ", detail::reason(errno));
    struct stat status;
    if (::fstat(file_.get(), &status) != 0)
      fail("cannot inspect ", in_quotes(path_), ": ", detail::reason(errno));
    if (!S_ISREG(status.st_mode))
      fail("cannot read ", in_quotes(path_), ": it is not a regular file");
    size_ = static_cast<std::uint64_t>(status.st_size);
  }

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return file_.get(); }
  std::uint64_t size() const { return size_; }

  /// Copies exactly `bytes` bytes that start at `offset`.
  void read_at(std::uint64_t offset, void* out, std::uint64_t bytes) const {
    auto* to = static_cast<char*>(out);
    while (bytes > 0) {
      const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, 1u << 30));
      const ssize_t got = ::pread(file_.get(), to, piece, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("cannot read ", in_quotes(path_), ": ", detail::reason(errno));
      if (got == 0)
        fail("cannot read ", in_quotes(path_), ": it ends at byte ", offset, ", ", bytes,
             " bytes too early");
      to += got;
      offset += static_cast<std::uint64_t>(got);
      bytes -= static_cast<std::uint64_t>(got);
    }
  }

 private:
  std::filesystem::path path_;
  detail::FileDescriptor file_;
  std::uint64_t size_ = 0;
};

/// All bytes of a file. Errors  as InputFile.
inline std::string read_file(const InputFile& file) {
  std::string bytes(file.size(), '\0');
  file.read_at(0, bytes.data(), bytes.size());
  return bytes;
}
inline std::string read_file(const std::filesystem::path& path) {
  return read_file(InputFile(path));
}

/// All bytes of a file that is no larger than `most`; `what` it should be is for the message.
inline std::string read_small_file(const std::filesystem::path& path, std::uint64_t most,
                                   std::string_view what) {
  const InputFile file(path);
  if (file.size() > most) fail(in_quotes(path), " has ", file.size(), " bytes; that is no ", what);
  return read_file(file);
}

OPTIFORM_NAMESPACE_END
