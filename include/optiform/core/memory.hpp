// SPDX-License-Identifier: MIT
#pragma once

#include <stdlib.h>

#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Bytes every planned buffer starts at a multiple of: one cache line, one AVX-512 register.
inline constexpr Index memory_alignment = 64;

/// Bytes from which a buffer is a few large pages rather than many small ones: kernels that walk
/// rows pages apart would spend a sixth of their time on looking the pages up.
inline constexpr Index large_page = Index{1} << 21;

/// A fixed-size, aligned, zero-initialised array that is allocated once.
template <class T>
class Buffer {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(Index size) { reset(size); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { ::free(data_); }

  /// Replaces the contents by `size` zeros. Throws std::bad_alloc.
  void reset(Index size) {
    ::free(data_);
    data_ = nullptr;
    size_ = 0;
    if (size == 0) return;
    const auto bytes = static_cast<std::size_t>(size) * sizeof(T);
    const bool large = bytes >= 2 * static_cast<std::size_t>(large_page);
    const auto unit = static_cast<std::size_t>(large ? large_page : memory_alignment);
    void* memory = nullptr;
    if (::posix_memalign(&memory, unit, bytes) != 0) throw std::bad_alloc();
    data_ = static_cast<T*>(memory);
#if defined(__linux__)
    // A wish; without it everything works, slower. The last, partial page stays small.
    if (large) madvise(data_, bytes / unit * unit, MADV_HUGEPAGE);
#endif
    size_ = size;
    for (Index i = 0; i < size; ++i) ::new (data_ + i) T();
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  Index size() const { return size_; }
  T& operator[](Index i) { return data_[i]; }
  const T& operator[](Index i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  T* data_ = nullptr;
  Index size_ = 0;
};

/// A layout of named buffers inside one allocation, known before anything is allocated.
///
///   MemoryPlan plan;
///   const auto x = plan.reserve<float>("iterate", tokens * width);
///   Buffer<std::byte> arena(plan.bytes());
///   float* p = MemoryPlan::at<float>(arena.data(), x);
class MemoryPlan {
 public:
  struct Entry {
    std::string name;
    Index offset, bytes;
  };
  struct Handle {
    Index offset = 0;
  };

  template <class T>
  Handle reserve(std::string_view name, Index elements) {
    const Index bytes = elements * static_cast<Index>(sizeof(T));
    entries_.push_back({std::string(name), bytes_, bytes});
    const Handle handle{bytes_};
    bytes_ += (bytes + memory_alignment - 1) / memory_alignment * memory_alignment;
    return handle;
  }
  Index bytes() const { return bytes_; }
  const std::vector<Entry>& entries() const { return entries_; }

  template <class T>
  static T* at(std::byte* arena, Handle handle) {
    return reinterpret_cast<T*>(arena + handle.offset);
  }

 private:
  std::vector<Entry> entries_;
  Index bytes_ = 0;
};

/// The largest batch whose bytes(batch), which must not fall, stay within a budget; 0 if none does.
template <class Bytes>
Index largest_batch(Index budget, Bytes&& bytes) {
  constexpr Index most = Index{1} << 24;
  Index fits = 0, too_large = 1;
  while (too_large <= most && bytes(too_large) <= budget) {
    fits = too_large;
    too_large *= 2;
  }
  while (too_large - fits > 1) {
    const Index middle = fits + (too_large - fits) / 2;
    (bytes(middle) <= budget ? fits : too_large) = middle;
  }
  return fits;
}

OPTIFORM_NAMESPACE_END
