// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/cpu/gemm_tile.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/cpu/transpose.hpp>
#include <optiform/rules/operations/small_matrix.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// detail::SmallMatrix for matrices of one token, row by row in memory, with sixteen columns side
/// by side in registers.
///
/// Contract  a product is computed in blocks of 16 x 16 up to the diagonal, where they are whole.
///           What multiply_left makes lacks the blocks above until it is completed. Every element
///           is a sum over k in order, one fma each.
template <int N, class T>
class PanelMatrix {
  static_assert(N % 16 == 0, "optiform: PanelMatrix - N is not a multiple of 16");
  using V = detail::native_vector<T>;
  static constexpr int width = pack_width<T>, block = 16, packs_of_block = block / width;

 public:
  using Element = T;
  static constexpr int side = N;
  static constexpr Index size = Index(N) * N;

  struct Pair {
    const T *a, *b;
  };

  /// c = sum of a b
  template <int Terms>
  static void multiply(const Pair (&pair)[Terms], T* c) {
    multiply_left(pair, c);
    complete(c);
  }
  /// The same where c is a left factor only, until it is completed.
  template <int Terms>
  static void multiply_left(const Pair (&pair)[Terms], T* c) {
    lower<Left::symmetric, N>(pair, nullptr, c);
  }
  /// c = alpha (sum of a b) + beta d + diagonal I
  template <int Terms>
  static void multiply(const Pair (&pair)[Terms], const detail::Added<T>& added, T* c) {
    lower<Left::symmetric, N>(pair, &added, c);
    shift(added.diagonal, c);
    complete(c);
  }
  /// c = alpha (a^T b + b^T a) of matrices [Rows, N]
  template <int Rows>
  static void gram(T alpha, const T* a, const T* b, T* c) {
    if (a == b) {
      lower<Left::columns, Rows, 1>({{a, a}}, nullptr, c);
      alpha += alpha;
    } else {
      lower<Left::columns, Rows, 2>({{a, b}, {b, a}}, nullptr, c);
    }
    complete(c);
    scale(alpha, c);
  }
  /// out = m p of a matrix m [Rows, N]
  template <int Rows>
  static void apply(const T* m, const T* p, T* out) {
    constexpr int height = detail::GemmTile::rows;
    const Pair pair[] = {{m, p}};
    each_chunk([&]<int Packs>(Index j) OPTIFORM_INLINE_LAMBDA {
      for (Index i = 0; i + height <= Rows; i += height)
        tile<Left::rows, N, height, Packs>(pair, i, j, nullptr, out);
      if constexpr (Rows % height > 0)
        tile<Left::rows, N, Rows % height, Packs>(pair, Rows - Rows % height, j, nullptr, out);
    });
  }
  /// Mirrors the blocks below the diagonal.
  static void complete(T* c) {
    for (Index i = block; i < N; i += width)
      for (Index j = 0; j < i / block * block; j += width) {
        V square[width];
        unrolled<width>(
            [&](int r) OPTIFORM_INLINE_LAMBDA { square[r] = detail::load(c + (i + r) * N + j); });
        detail::transpose_registers<T>(square);
        unrolled<width>(
            [&](int r) OPTIFORM_INLINE_LAMBDA { detail::store(c + (j + r) * N + i, square[r]); });
      }
  }

  /// c = alpha a + beta b + diagonal I
  static void combine(T alpha, const T* a, T beta, const T* b, T diagonal, T* c) {
    const V x = detail::broadcast(alpha), y = detail::broadcast(beta);
    for (Index i = 0; i < size; i += width)
      detail::store(c + i, detail::fma<T>(x, detail::load(a + i), y * detail::load(b + i)));
    shift(diagonal, c);
  }
  static void scale(T factor, T* a) {
    for (Index i = 0; i < size; i += width)
      detail::store(a + i, detail::broadcast(factor) * detail::load(a + i));
  }
  /// a + x I
  static void shift(T x, T* a) {
    for (Index i = 0; i < N; ++i) a[i * (N + 1)] += x;
  }
  static void copy(const T* a, T* c) {
    for (Index i = 0; i < size; i += width) detail::store(c + i, detail::load(a + i));
  }
  static T trace(const T* a) {
    T sum = a[0];
    for (Index i = 1; i < N; ++i) sum += a[i * (N + 1)];
    return sum;
  }
  /// Sum of the products of all elements.
  static T dot(const T* a, const T* b) {
    Lanes<T> total[4] = {T(0), T(0), T(0), T(0)};
    for (Index i = 0; i < size; i += 4 * block)
      unrolled<4>([&](int j) OPTIFORM_INLINE_LAMBDA {
        const Index at = i + j * block;
        total[j] = fma(Lanes<T>::load(a + at), Lanes<T>::load(b + at), total[j]);
      });
    return sum((total[0] + total[1]) + (total[2] + total[3]));
  }
  /// A whole matrix of its lower triangle, and back; the diagonal or what is off it is scaled.
  static void unpack(const T* triangle, T diagonal, T* full) {
    for (Index i = 0; i < N; triangle += ++i) {
      T* const row = full + i * N;
      for (Index j = 0; j <= i; j += width)
        detail::store(row + j, detail::load(triangle + j, i + 1 - j));
      row[i] *= diagonal;
      for (Index j = i / block * block; j < i; ++j) full[j * N + i] = row[j];
    }
    complete(full);
  }
  static void pack(const T* full, T off_diagonal, T* triangle) {
    const V factor = detail::broadcast(off_diagonal);
    for (Index i = 0; i < N; triangle += ++i) {
      const T* const row = full + i * N;
      for (Index j = 0; j <= i; j += width)
        detail::store(triangle + j, factor * detail::load(row + j), i + 1 - j);
      triangle[i] = row[i];
    }
  }

 private:
  /// How a left factor lies: row by row; symmetric without the blocks above the diagonal; or
  /// transposed.
  enum class Left { rows, symmetric, columns };

  /// Calls f<Packs>(first column) for groups of registers side by side.
  template <class F>
  static OPTIFORM_INLINE void each_chunk(F&& f) {
    constexpr int packs = N / width, most = detail::GemmTile::packs, rest = packs % most;
    for (Index j = 0; j < (packs - rest) * width; j += most * width) f.template operator()<most>(j);
    if constexpr (rest > 0) f.template operator()<rest>((packs - rest) * width);
  }

  /// All blocks up to the diagonal.
  template <Left Kind, int Depth, int Terms>
  static void lower(const Pair (&pair)[Terms], const detail::Added<T>* added, T* c) {
    constexpr int height = detail::GemmTile::rows;
    each_chunk([&]<int Packs>(Index j) OPTIFORM_INLINE_LAMBDA {
      for (Index i = j / block * block; i < N; i += height) {
        const Index packs = (i / block + 1) * packs_of_block - j / width;
        if (packs >= Packs) {
          tile<Kind, Depth, height, Packs>(pair, i, j, added, c);
        } else if (packs == 2) {
          tile<Kind, Depth, height, 2>(pair, i, j, added, c);
        } else {
          tile<Kind, Depth, height, 1>(pair, i, j, added, c);
        }
      }
    });
  }

  /// Elements [i, i + Rows) x [j, j + Packs * width) of a product.
  template <Left Kind, int Depth, int Rows, int Packs, int Terms>
  static __attribute__((noinline)) void tile(const Pair (&pair)[Terms], Index i, Index j,
                                             const detail::Added<T>* added, T* c) {
    V sum[Rows][Packs];
    OPTIFORM_UNROLL
    for (int r = 0; r < Rows; ++r) {
      OPTIFORM_UNROLL
      for (int q = 0; q < Packs; ++q) sum[r][q] = V{};
    }
    for (int t = 0; t < Terms; ++t) {
      const T *const a = pair[t].a, *const b = pair[t].b + j;
      if constexpr (Kind == Left::rows) {
        accumulate<N, 1>(Depth, a + i * N, b, sum);
      } else if constexpr (Kind == Left::columns) {
        accumulate<1, N>(Depth, a + i, b, sum);
      } else {
        const Index below = i / block * block;
        accumulate<N, 1>(below, a + i * N, b, sum);
        accumulate<1, N>(Depth - below, a + below * N + i, b + below * N, sum);
      }
    }
    OPTIFORM_UNROLL
    for (int r = 0; r < Rows; ++r) {
      OPTIFORM_UNROLL
      for (int q = 0; q < Packs; ++q) {
        const Index at = (i + r) * N + j + q * width;
        V value = sum[r][q];
        if (added != nullptr)
          value = detail::fma<T>(detail::broadcast(added->beta), detail::load(added->d + at),
                                 detail::broadcast(added->alpha) * value);
        detail::store(c + at, value);
      }
    }
  }
  /// sum += a b over `count` steps; element (r, k) of a at a[r * Row + k * Step].
  template <Index Row, Index Step, int Rows, int Packs>
  static OPTIFORM_INLINE void accumulate(Index count, const T* a, const T* b,
                                         V (&sum)[Rows][Packs]) {
    for (Index k = 0; k < count; ++k) {
      V right[Packs];
      // Opaque, or the compiler loads them again for every use.
      OPTIFORM_UNROLL
      for (int q = 0; q < Packs; ++q) right[q] = detail::opaque(detail::load(b + q * width));
      OPTIFORM_UNROLL
      for (int r = 0; r < Rows; ++r) {
        const V left = detail::broadcast(a[r * Row]);
        OPTIFORM_UNROLL
        for (int q = 0; q < Packs; ++q) sum[r][q] = detail::fma<T>(left, right[q], sum[r][q]);
      }
      a += Step;
      b += N;
    }
  }
};

}  // namespace cpu

OPTIFORM_NAMESPACE_END
