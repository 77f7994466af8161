// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>

#include <optiform/io/file.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The bytes of a file as memory; what is not looked at is not read.
///
/// Limits    a file that another program makes shorter meanwhile ends this one (SIGBUS).
/// Errors    those of InputFile.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path) {
    const InputFile file(path);
    if (file.size() == 0) return;
    size_ = static_cast<std::size_t>(file.size());
    void* const data = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.descriptor(), 0);
    if (data == MAP_FAILED) fail("cannot map ", in_quotes(path), ": ", detail::reason(errno));
    data_ = static_cast<const char*>(data);
  }
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
  }

  const char* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

OPTIFORM_NAMESPACE_END
