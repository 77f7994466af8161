// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <string>
#include <vector>

#include <optiform/core/error.hpp>
#include <optiform/core/parameters.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// One stream of an optimizer, as checkpoints see it: the tensors that it is kept for, in the
/// table's order and with its alignment.
template <class T>
struct NamedStream {
  std::string name;
  T* data;
  Index size;
};

/// Whether a weight optimizer, bound to a backend, trains matrices and nothing else.
template <class OptimizerOn>
concept MatricesOnly = requires {
  requires OptimizerOn::matrices_only;
};

/// The tensors of some roles, and where each has its place in a stream that holds nothing else.
class TensorGroup {
 public:
  struct Tensor {
    const ParameterInfo* info;
    Index stream;  ///< first element in the group's streams
  };
  /// A part of a tensor that one thread works on at a time.
  struct Piece {
    Index offset, stream, size;
    Role role;
  };
  static constexpr Index piece_size = 16384;

  TensorGroup(const ParameterTable& table, Roles roles) {
    for (const ParameterInfo& p : table.entries()) {
      if (!roles.contains(p.role)) continue;
      tensors_.push_back({&p, total_});
      append_pieces(pieces_, tensors_.back());
      total_ += (p.size + ParameterTable::alignment - 1) / ParameterTable::alignment *
                ParameterTable::alignment;
    }
  }

  const std::vector<Tensor>& tensors() const { return tensors_; }
  const std::vector<Piece>& pieces() const { return pieces_; }
  /// Elements of one stream.
  Index total() const { return total_; }

  static void append_pieces(std::vector<Piece>& pieces, const Tensor& tensor) {
    const ParameterInfo& p = *tensor.info;
    for (Index at = 0; at < p.size; at += piece_size)
      pieces.push_back({p.offset + at, tensor.stream + at,
                        p.size - at < piece_size ? p.size - at : piece_size, p.role});
  }

 private:
  std::vector<Tensor> tensors_;
  std::vector<Piece> pieces_;
  Index total_ = 0;
};

namespace detail {

/// Fails unless a number of an optimizer lies in [0, below).
inline void require_number(const std::string& name, double value,
                           double below = std::numeric_limits<double>::infinity()) {
  if (value >= 0 && value < below) return;
  if (below <= 1) fail(name, " is ", value, "; expected 0 to below ", below);
  fail(name, " is ", value, "; expected a number of 0 or more");
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
