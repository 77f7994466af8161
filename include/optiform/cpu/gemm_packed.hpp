// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

#include <optiform/core/config.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/cpu/backend.hpp>
#include <optiform/cpu/gemm_arguments.hpp>
#include <optiform/cpu/gemm_panels.hpp>
#include <optiform/cpu/gemm_tile.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Cuts n into the fewest pieces of at most `most`, all but the last equal, multiples of `unit`.
inline Index balanced_piece(Index n, Index most, Index unit) {
  const Index pieces = std::max<Index>(1, (n + most - 1) / most);
  const Index piece = (n + pieces - 1) / pieces;
  return std::max<Index>(unit, (piece + unit - 1) / unit * unit);
}

/// C = beta C, the product without its product.
template <class T>
void scale(const GemmArguments<T>& g) {
  for (Index i = 0; i < g.m; ++i)
    for (Index j = 0; j < g.n; ++j) {
      T& c = g.c[i * g.ldc + j];
      c = g.beta == T(0) ? T(0) : g.beta * c;
    }
}

}  // namespace detail

/// Matrix products on packed panels and register tiles, for float and double.
///
/// Contract  every element of C is summed over k in order, in pieces of at most `depth` steps that
///           depend on k alone: results do not depend on threads, tiles, leading dimensions or
///           transposes. Nothing is allocated beyond the scratch memory asked for.
/// Source    Goto, van de Geijn, ACM TOMS 34(3), 2008; Van Zee, van de Geijn, ACM TOMS 41(3), 2015.
struct PackedGemm {
  static constexpr Index depth = 384;           ///< k steps of a panel
  static constexpr Index block_rows = 192;      ///< rows of A that stay in the second-level cache
  static constexpr Index block_columns = 1536;  ///< columns of packed B

  /// Memory serial() needs.
  template <class T>
  static Index scratch_bytes(const GemmArguments<T>& g) {
    return bytes<T>(g.k, rows_of(g.m, block_rows) + columns_of<T>(g.n, block_columns));
  }

  /// One product on the calling thread; scratch is aligned to memory_alignment.
  template <class T>
  static void serial(std::byte* scratch, const GemmArguments<T>& g) {
    if (g.k <= 0 || g.alpha == T(0)) return detail::scale(g);
    const Index steps_most = depth_of(g.k);
    const Index rows_most = rows_of(g.m, block_rows);
    const Index columns_most = columns_of<T>(g.n, block_columns);
    T* const packed_b = reinterpret_cast<T*>(scratch);
    T* const packed_a = packed_b + columns_most * steps_most;
    for (Index column = 0; column < g.n; column += columns_most) {
      const detail::ColumnPanels<T> panels{std::min(columns_most, g.n - column)};
      for (Index k = 0; k < g.k; k += steps_most) {
        const Index steps = std::min(steps_most, g.k - k);
        detail::pack_b(g, column, panels, 0, panels.count(), k, steps, packed_b);
        for (Index row = 0; row < g.m; row += rows_most) {
          const Index rows = std::min(rows_most, g.m - row);
          detail::pack_a(g, row, rows, k, steps, packed_a);
          block(g, k, steps, row, rows, packed_a, column, panels, 0, panels.count(), packed_b);
        }
      }
    }
  }

  /// One product on all threads of a context. Each takes a part of C and packs what it needs of
  /// both operands for itself: reading what another core has packed costs more than packing twice.
  template <class Context, class T>
  static void threaded(Context& context, const GemmArguments<T>& g) {
    const Parts parts = parts_of(g, context.threads());
    // Every thread gets its memory now, whichever comes first later on.
    const Index bytes =
        scratch_bytes(g.part(0, std::min(parts.rows, g.m), 0, std::min(parts.columns, g.n)));
    for (int thread = 0; thread < context.threads(); ++thread) context.gemm_scratch(thread, bytes);
    const Index down = (g.m + parts.rows - 1) / parts.rows;
    const Index across = (g.n + parts.columns - 1) / parts.columns;
    context.parallel(down * across, [&](Index task, int thread) {
      const Index row = task % down * parts.rows, column = task / down * parts.columns;
      serial(context.gemm_scratch(thread, bytes),
             g.part(row, std::min(parts.rows, g.m - row), column,
                    std::min(parts.columns, g.n - column)));
    });
  }

 private:
  struct Parts {
    Index rows, columns;
  };

  /// One part of C for each thread, in the grid that packs least: n k numbers for every row of
  /// parts, m k for every column of them.
  template <class T>
  static Parts parts_of(const GemmArguments<T>& g, int threads) {
    Index best_down = 1, least = 0;
    for (Index down = 1; down <= threads; ++down) {
      if (threads % down != 0) continue;
      const Index packed = down * g.n + threads / down * g.m;
      if (down > 1 && packed > least) continue;
      best_down = down;
      least = packed;
    }
    const auto piece = [](Index n, Index pieces, Index unit) {
      return detail::balanced_piece(n, (n + pieces - 1) / pieces, unit);
    };
    return {piece(g.m, best_down, detail::GemmTile::rows),
            piece(g.n, threads / best_down, pack_width<T>)};
  }

  static Index depth_of(Index k) { return detail::balanced_piece(k, depth, 1); }
  static Index rows_of(Index m, Index most) {
    return detail::balanced_piece(m, most, detail::GemmTile::rows);
  }
  template <class T>
  static Index columns_of(Index n, Index most) {
    return detail::balanced_piece(n, most, detail::GemmTile::columns<T>);
  }
  template <class T>
  static Index bytes(Index k, Index rows_and_columns) {
    return (rows_and_columns * depth_of(k)) * static_cast<Index>(sizeof(T)) + memory_alignment;
  }

  /// Multiplies packed rows by the packed panels [first, last).
  template <class T>
  static void block(const GemmArguments<T>& g, Index k, Index steps, Index row, Index rows,
                    const T* packed_a, Index column, const detail::ColumnPanels<T>& panels,
                    Index first, Index last, const T* packed_b) {
    constexpr Index tile_rows = detail::GemmTile::rows;
    detail::TileArguments<T> tile;
    tile.k = steps;
    tile.ldc = g.ldc;
    tile.alpha = g.alpha;
    tile.beta = k == 0 ? g.beta : T(1);
    for (Index p = first; p < last; ++p) {
      const Index pack = panels.first_pack(p);
      const Index packs = panels.first_pack(p + 1) - pack;
      const Index at = pack * pack_width<T>;
      tile.b = packed_b + at * steps;
      tile.b_stride = packs * pack_width<T>;
      tile.columns = std::min(tile.b_stride, panels.extent - at);
      for (Index i = 0; i < rows; i += tile_rows) {
        tile.a = packed_a + i * steps;
        tile.c = g.c + (row + i) * g.ldc + column + at;
        tile.rows = std::min(tile_rows, rows - i);
        detail::multiply_tile(tile, packs);
      }
    }
  }
};

OPTIFORM_NAMESPACE_END
