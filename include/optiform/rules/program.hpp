// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <optiform/core/scalar.hpp>
#include <optiform/core/type_list.hpp>
#include <optiform/rules/reverse.hpp>
#include <optiform/rules/stages.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What an evaluator runs: a type that owns a graph and its plan.
template <class P>
concept RowProgram = requires {
  P::graph.nodes;
  P::plan.sweeps;
};

/// Pointers of one run of a row program. Rows are dense and row-major, `length` elements each;
/// where a buffer holds squares, UnitShape::size(Unit::square).
///
/// Contract  reads `input`, `column`, `coefficient`; overwrites `output`; statistics are written by
///           forward programs (where not null) and read by backward ones; gradients are
///           accumulated.
template <class T>
struct RowArguments {
  static constexpr int max_buffers = 24;

  Index rows = 0;
  Index length = 0;
  const T* input[max_buffers]{};
  T* output[max_buffers]{};
  const T* column[8]{};
  wide_t<T> coefficient[Recording::max_coefficients * 2 + 1]{};
  double clock = 1;                           ///< t of `debias`, 1 at the first step
  T* statistic = nullptr;                     ///< [rows, statistics]
  wide_t<T>* coefficient_gradient = nullptr;  ///< [coefficients], +=
  T* column_gradient[8]{};                    ///< [length] each, +=
  bool streaming = false;          ///< outputs bypass the caches: for buffers larger than those
  std::byte* workspace = nullptr;  ///< row_workspace_bytes<P, T>(rows, length) bytes
};

/// Rows that are worked on in one piece. It depends on the number of rows alone, so that sums over
/// rows are the same for any number of threads.
inline constexpr Index most_row_chunks = 64, fewest_chunk_rows = 16;
constexpr Index row_chunk(Index rows) {
  const Index even = (rows + most_row_chunks - 1) / most_row_chunks;
  return even < fewest_chunk_rows ? fewest_chunk_rows : even;
}
constexpr Index row_chunks(Index rows) { return (rows + row_chunk(rows) - 1) / row_chunk(rows); }

/// Memory for partial gradient sums of one run of program P on up to so many rows.
template <class P, class T>
constexpr Index row_workspace_bytes(Index rows, Index length) {
  const auto wide = static_cast<Index>(sizeof(wide_t<T>)), narrow = static_cast<Index>(sizeof(T));
  const Index pieces = (rows + fewest_chunk_rows - 1) / fewest_chunk_rows;
  // A few rows less may be cut into more chunks, since chunks are whole rows.
  const Index chunks = pieces < most_row_chunks ? pieces : most_row_chunks;
  return chunks * (P::graph.coefficients * wide + P::graph.columns * length * narrow);
}

namespace detail {

/// The row operations that a type lists as its own.
template <class Owner>
struct own_operations {
  using type = TypeList<>;
};
template <class Owner>
  requires requires { typename Owner::Operations; }
struct own_operations<Owner> {
  using type = typename Owner::Operations;
};

/// A program in stages has a plan for each.
constexpr Plan plan_of(const Graph& graph) {
  return graph.is_staged() ? Plan{} : Planner(graph).result();
}

}  // namespace detail

/// The forward half of a boundary or weight program, described by `Source::build()`.
template <class Source>
struct Forward {
  using Operations = typename detail::own_operations<Source>::type;
  static constexpr Graph graph = pruned(with_statistics(pruned(Source::build())));
  static constexpr Plan plan = detail::plan_of(graph);
  static_assert(!graph.overflow && !plan.overflow,
                "optiform: the row program is too large; split the rule or use fewer norms");
};

/// Its derivative. `Source::in_place` says which adjoints may overwrite which.
template <class Source>
struct Backward {
  using Operations = typename Forward<Source>::Operations;
  static constexpr Graph graph = Reverse(Forward<Source>::graph, Source::in_place.of).result();
  static constexpr Plan plan = detail::plan_of(graph);
  static_assert(
      !graph.overflow && !plan.overflow,
      "optiform: the backward row program is too large; split the rule or use fewer norms");
};

/// The stages of a program with row operations.
template <class P>
struct Staged {
  static constexpr Stages value = Stager(P::graph).result();
  static_assert(!value.overflow,
                "optiform: the rule takes too many row operations; split it into two rules");
};
/// What a program's operations take a row for; programs without any have no say.
template <class P, Index Length, int Heads>
constexpr UnitShape unit_shape() {
  if constexpr (!P::graph.is_staged()) {
    return {};
  } else if constexpr (Length <= 0 || Heads <= 0) {
    static_assert(
        Length > 0 && Heads > 0,
        "optiform: run_rows - the program takes row operations, which need the row length and the "
        "heads; write run_rows<Program, Length, Heads>");
    return {};
  } else {
    static_assert(Length % Heads == 0,
                  "optiform: row operations - the heads do not divide the width; choose heads with "
                  "width % heads == 0");
    return {Heads, static_cast<int>(Length / Heads)};
  }
}
/// Stage I of them, where it is a row program.
template <class P, int I>
struct StageRows {
  static constexpr Graph graph =
      rows_of_stage(P::graph, Staged<P>::value, Staged<P>::value.stage[I]);
  static constexpr Plan plan = Planner(graph).result();
  static_assert(!graph.overflow && !plan.overflow,
                "optiform: the row program is too large; split the rule or use fewer norms");
};

/// For each forward input the forward store whose adjoint its own adjoint may overwrite, or -1.
struct InPlace {
  static constexpr short no = -1;
  static constexpr short unwanted = -2;  ///< this adjoint is not stored at all
  short of[RowArguments<float>::max_buffers]{};
  constexpr InPlace() {
    for (short& s : of) s = no;
  }
};

OPTIFORM_NAMESPACE_END
