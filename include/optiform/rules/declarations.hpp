// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/graph.hpp>

OPTIFORM_NAMESPACE_BEGIN

inline constexpr double ln2 = 0.693147180559945309417;

/// Where a coefficient lives and who chooses it.
enum class CoefficientKind : unsigned char {
  unit,      ///< learned in (0, 1) through a sigmoid
  positive,  ///< learned in (0, inf) through a softplus
  constant,  ///< a run-time number, never learned, stored or counted
  rate       ///< 1 in depth, the scheduled learning rate elsewhere
};

/// How a stream starts at the first layer of a network. Weights and policies start at zero.
enum class Init : unsigned char { learned, zeros, ones, identity };

/// Whether a learned coefficient is stored with shape [1] or as a 0-dimensional tensor.
enum class Extent : unsigned char { one, none };

/// Optional names a stream has in model files.
struct StreamNames {
  const char* prefix = nullptr;  ///< of its embedding tables; the stream's own name if absent
  const char* norm = nullptr;    ///< of the gain of what is assigned to it; "ln_update" if absent
};

struct CoefficientInfo {
  const char* name = "";
  CoefficientKind kind = CoefficientKind::unit;
  Extent extent = Extent::one;
  double initial = 0;  ///< mapped value at the start of training
  bool pinned = false;
  double pinned_value = 0;
};

struct StreamInfo {
  const char* name = "";
  Init init = Init::learned;
  StreamNames names;
  Unit unit = Unit::row;
};

/// What can be wrong with a rule that compiles; reported by `Recorded`.
enum class Fault : unsigned char {
  none,
  coefficient_assigned,
  scalar_as_row,
  square_as_row,
  scalar_as_square,
  other_operands,
  wrong_start,
  stream_never_written,
  iterate_never_written,
  assigned_in_constructor,
  pinned_no_coefficient,
  norm_in_query,
  name_taken,
  other_rules_value,
  oracle_ignored,
  too_large
};

/// Whether two names are the same.
constexpr bool same_name(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

/// Everything a rule said when it was evaluated on symbols.
///
/// Buffers   input 0 is the iterate, 1..streams the streams, streams + 1 the oracle's output.
struct Recording {
  static constexpr int max_streams = 6;
  static constexpr int max_coefficients = 16;

  Graph graph;
  CoefficientInfo coefficient[max_coefficients]{};
  StreamInfo stream[max_streams]{};
  const char* norm_name[4]{};
  short coefficients = 0, streams = 0, norms = 0;
  short now[max_streams + 1]{};  ///< current value of the iterate (0) and of stream s (s + 1)
  short query = -1;              ///< where the oracle is asked
  short read_out = -1;           ///< what the network's head sees after the last step
  Fault fault = Fault::none;
  short fault_index = -1;

  /// What input buffer `input` holds.
  constexpr Unit unit(short input) const {
    return input >= 1 && input <= streams ? stream[input - 1].unit : Unit::row;
  }
  constexpr void blame(Fault what, short index = -1) {
    if (fault == Fault::none) {
      fault = what;
      fault_index = index;
    }
  }
};

OPTIFORM_NAMESPACE_END
