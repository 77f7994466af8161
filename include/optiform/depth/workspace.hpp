// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <optiform/core/memory.hpp>
#include <optiform/depth/layout.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Memory of one model for up to `batch` sequences of up to `length` tokens, allocated once.
template <class Types>
class ModelWorkspace {
 public:
  using T = typename Types::T;

  ModelWorkspace(const LanguageModelOptions& options, Index batch, Index length, Pass pass)
      : ModelWorkspace(detail::ModelLayout<Types>(options, batch, length, pass)) {}
  /// Takes a layout to whose memory more may have been added.
  explicit ModelWorkspace(detail::ModelLayout<Types> layout)
      : layout_(std::move(layout)),
        arena_(layout_.memory.bytes()),
        batch_(layout_.batch),
        length_(layout_.length) {
    Types::each_stack([&]<std::size_t I>() {
      std::get<I>(layout_.oracles).each_with_constants([&]<class Oracle>(const auto& own) {
        Oracle::write_constants(arena(), own, layout_.positions);
      });
    });
  }

  /// Uses a part of the planned size from now on. Errors  more than was planned.
  void resize(Index batch, Index length) {
    if (batch < 1 || batch > layout_.batch)
      fail("batch = ", batch, ", expected 1 to the planned ", layout_.batch);
    if (length < 1 || length > layout_.length)
      fail("length = ", length, ", expected 1 to the planned ", layout_.length);
    batch_ = batch;
    length_ = length;
  }
  Index batch() const { return batch_; }
  Index length() const { return length_; }
  Index tokens() const { return batch_ * length_; }
  const detail::ModelLayout<Types>& layout() const { return layout_; }

  std::byte* arena() { return arena_.data(); }
  template <class U = T>
  U* at(MemoryPlan::Handle handle) {
    return MemoryPlan::at<U>(arena_.data(), handle);
  }

 private:
  detail::ModelLayout<Types> layout_;
  Buffer<std::byte> arena_;
  Index batch_, length_;
};

OPTIFORM_NAMESPACE_END
