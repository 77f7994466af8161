// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

#include <optiform/core/config.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/cpu/backend.hpp>
#include <optiform/cpu/gemm_arguments.hpp>
#include <optiform/cpu/gemm_epilogue.hpp>
#include <optiform/cpu/gemm_few_rows.hpp>
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
  static constexpr Index few = 256;   ///< rows of A up to which a panel of B is packed for one use
  static constexpr Index fewest = 8;  ///< rows of A up to which B is not packed at all

  /// Memory serial() needs; a part of a product never needs more than the whole.
  template <class T>
  static Index scratch_bytes(const GemmArguments<T>& g) {
    const auto whole = [](Index n, Index unit) { return (n + unit - 1) / unit * unit; };
    const Index rows = whole(std::min(g.m, few), detail::GemmTile::rows);
    const Index panel = detail::GemmTile::columns<T>;
    const Index columns = g.m <= few ? panel : whole(std::min(g.n, block_columns), panel);
    return bytes<T>(g.k, rows + columns);
  }

  /// One product on the calling thread; scratch is aligned to memory_alignment.
  template <class T, class Epilogue = NoEpilogue>
  static void serial(std::byte* scratch, const GemmArguments<T>& g, const Epilogue& epilogue = {}) {
    if (g.k <= 0 || g.alpha == T(0)) {
      detail::scale(g);
      return detail::apply_epilogue(g, epilogue);
    }
    if (g.m <= fewest && g.transpose_a == Transpose::no && g.transpose_b == Transpose::yes)
      return detail::multiply_few_rows(g, depth_of(g.k), epilogue);
    if (g.m <= few) return few_rows(scratch, g, epilogue);
    const Index steps_most = depth_of(g.k);
    const Index rows_most = rows_of(g.m, block_rows);
    const Index columns_most = columns_of<T>(g.n, block_columns);
    T* const packed_b = reinterpret_cast<T*>(scratch);
    T* const packed_a = packed_b + columns_most * steps_most;
    for (Index column = 0; column < g.n; column += columns_most) {
      const auto part = g.part(0, g.m, column, std::min(columns_most, g.n - column));
      const detail::ColumnPanels<T> panels{part.n};
      for (Index k = 0; k < g.k; k += steps_most) {
        const Index steps = std::min(steps_most, g.k - k);
        for (Index p = 0; p < panels.count(); ++p)
          detail::pack_b(part, panels, p, k, steps, packed_b + panels.first_column(p) * steps);
        for (Index row = 0; row < g.m; row += rows_most) {
          const auto rows = part.part(row, std::min(rows_most, g.m - row), 0, part.n);
          detail::pack_a(rows, k, steps, packed_a);
          for (Index p = 0; p < panels.count(); ++p)
            panel(rows, k, steps, packed_a, panels, p, packed_b + panels.first_column(p) * steps,
                  epilogue);
        }
      }
    }
  }

  /// One product on all threads of a context. Each takes a part of C and packs what it needs of
  /// both operands for itself: reading what another core has packed costs more than packing twice.
  template <class Context, class T, class Epilogue = NoEpilogue>
  static void threaded(Context& context, const GemmArguments<T>& g, const Epilogue& epilogue = {}) {
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
                    std::min(parts.columns, g.n - column)),
             epilogue);
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

  /// A product whose rows of A stay in cache: each panel of B is used as soon as it is packed, so
  /// that B is read once and never written back.
  template <class T, class Epilogue>
  static void few_rows(std::byte* scratch, const GemmArguments<T>& g, const Epilogue& epilogue) {
    const Index steps_most = depth_of(g.k);
    T* const packed_b = reinterpret_cast<T*>(scratch);
    T* const packed_a = packed_b + detail::GemmTile::columns<T> * steps_most;
    const detail::ColumnPanels<T> panels{g.n};
    for (Index k = 0; k < g.k; k += steps_most) {
      const Index steps = std::min(steps_most, g.k - k);
      detail::pack_a(g, k, steps, packed_a);
      for (Index p = 0; p < panels.count(); ++p) {
        detail::pack_b(g, panels, p, k, steps, packed_b);
        panel(g, k, steps, packed_a, panels, p, packed_b, epilogue);
      }
    }
  }

  /// Multiplies packed rows by one packed panel.
  template <class T, class Epilogue>
  static void panel(const GemmArguments<T>& g, Index k, Index steps, const T* packed_a,
                    const detail::ColumnPanels<T>& panels, Index p, const T* packed_b,
                    const Epilogue& epilogue) {
    constexpr Index tile_rows = detail::GemmTile::rows;
    const Index at = panels.first_column(p);
    detail::TileArguments<T> tile;
    tile.k = steps;
    tile.ldc = g.ldc;
    tile.alpha = g.alpha;
    tile.beta = k == 0 ? g.beta : T(1);
    tile.b = packed_b;
    tile.b_stride = panels.first_column(p + 1) - at;
    tile.columns = std::min(tile.b_stride, g.n - at);
    for (Index i = 0; i < g.m; i += tile_rows) {
      tile.a = packed_a + i * steps;
      tile.c = g.c + i * g.ldc + at;
      tile.rows = std::min(tile_rows, g.m - i);
      detail::multiply_tile(tile, tile.b_stride / pack_width<T>);
      if (k + steps == g.k)
        detail::apply_epilogue(g.part(i, tile.rows, at, tile.columns), epilogue);
    }
  }

  template <class>
  friend class PackedMatrix;
};

OPTIFORM_NAMESPACE_END
