// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <optiform/core/config.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/cpu/attention_tile.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/cpu/transpose.hpp>
#include <optiform/cpu/vector_math.hpp>

// How attention's operands get from the interleaved buffer into dense scratch and back.

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

inline constexpr Index round_up(Index n, Index unit) { return (n + unit - 1) / unit * unit; }

/// Hands out aligned pieces of one scratch allocation.
class ScratchPieces {
 public:
  explicit ScratchPieces(std::byte* base) : at_(base) {}
  template <class T>
  T* take(Index elements) {
    T* piece = reinterpret_cast<T*>(at_);
    at_ += bytes<T>(elements);
    return piece;
  }
  template <class T>
  static constexpr Index bytes(Index elements) {
    return round_up(elements * static_cast<Index>(sizeof(T)), memory_alignment);
  }

 private:
  std::byte* at_;
};

/// Asks early for rows that lie pages apart: no hardware prefetcher follows such strides.
template <bool ForWriting = false, class T>
OPTIFORM_INLINE void prefetch_rows(Index rows, Index columns, const T* x, Index ld) {
  constexpr Index line = memory_alignment / static_cast<Index>(sizeof(T));
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < columns; i += line)
      __builtin_prefetch(x + r * ld + i, ForWriting, ForWriting ? 3 : 2);
}

/// Rows wanted soon, asked for a few at a time between register tiles, so that memory answers while
/// the multipliers work.
template <class T>
class WantedRows {
 public:
  void add(Index rows, Index columns, const T* x, Index ld) {
    if (rows > 0 && count_ < most) list_[count_++] = {x, rows, columns, ld};
  }
  OPTIFORM_INLINE void ask() {
    for (int i = 0; i < at_once && next_ < count_; ++i) {
      Rows& r = list_[next_];
      prefetch_rows(1, r.columns, r.x, r.ld);
      r.x += r.ld;
      if (--r.rows == 0) ++next_;
    }
    if (next_ == count_) next_ = count_ = 0;
  }
  void forget() { next_ = count_ = 0; }

 private:
  struct Rows {
    const T* x;
    Index rows, columns, ld;
  };
  static constexpr int most = 8, at_once = 2;
  Rows list_[most];
  int next_ = 0, count_ = 0;
};

/// out[r, :] = factor * in[r, :] for `rows` rows, padded with zeros to ldo columns.
template <class T>
void copy_rows(Index rows, Index columns, const T* in, Index ldi, T factor, T* out, Index ldo) {
  using P = Pack<T>;
  const P scale(factor);
  for (Index r = 0; r < rows; ++r, in += ldi, out += ldo) {
    Index i = 0;
    for (; i + P::width <= columns; i += P::width) (scale * P::load(in + i)).store(out + i);
    for (; i < ldo; i += P::width) (scale * P::load(in + i, columns - i)).store(out + i);
  }
}

/// out[r, :] = factor * in[r, :] without padding columns, or += when Add.
template <bool Add = false, class T>
void copy_rows_back(Index rows, Index columns, const T* in, Index ldi, T factor, T* out,
                    Index ldo) {
  using P = Pack<T>;
  const P scale(factor);
  constexpr Index distance = 16;
  for (Index r = 0; r < rows; ++r, in += ldi, out += ldo) {
    if (r + distance < rows) prefetch_rows<true>(1, columns, out + distance * ldo, ldo);
    Index i = 0;
    for (; i + P::width <= columns; i += P::width)
      fma(scale, P::load(in + i), Add ? P::load(out + i) : P(T(0))).store(out + i);
    if (const Index n = columns - i; n > 0)
      fma(scale, P::load(in + i, n), Add ? P::load(out + i, n) : P(T(0))).store(out + i, n);
  }
}

/// Writes in^T as panels: panel p is [columns, tile columns], its rows are features and its
/// columns are the rows p * tile columns ... of `in`; zeros stand beyond the last row.
template <class T>
void transpose_to_panels(Index rows, Index columns, const T* in, Index ldi, T* out) {
  using P = Pack<T>;
  constexpr Index width = P::width, panel = AttentionTile<T>::columns;
  for (Index r = 0; r < round_up(rows, panel); r += width) {
    T* to = out + r / panel * panel * columns + r % panel;
    for (Index c = 0; c < columns; c += width) {
      typename P::Vector v[width];
      for (Index i = 0; i < width; ++i) {
        if (r + i < rows)
          v[i] = P::load(in + (r + i) * ldi + c, columns - c).part[0];
        else
          v[i] = P(T(0)).part[0];
      }
      optiform::detail::transpose_registers<T>(v);
      for (Index j = 0; j < std::min(width, columns - c); ++j) {
        P p;
        p.part[0] = v[j];
        p.store(to + (c + j) * panel);
      }
    }
  }
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
