// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

#include <optiform/cpu/panel_matrix.hpp>
#include <optiform/rules/operation.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// The workspace's first address that registers may be loaded from.
template <class E>
E* aligned_workspace(std::byte* p) {
  constexpr auto unit = static_cast<std::size_t>(register_bytes);
  const std::size_t past = reinterpret_cast<std::size_t>(p) % unit;
  return reinterpret_cast<E*>(past == 0 ? p : p + (unit - past));
}

/// Up to sixteen rows [count, size] side by side: element e of all of them in out[e]. Lanes without
/// a row repeat the last one.
template <class T>
void load_lanes(Index count, Index size, const T* rows, Lanes<T>* out) {
  constexpr int width = pack_width<T>;
  const T* row[Lanes<T>::width];
  for (Index r = 0; r < Lanes<T>::width; ++r) row[r] = rows + std::min(r, count - 1) * size;
  Index e = 0;
  for (; e + width <= size; e += width)
    for (int part = 0; part < Lanes<T>::parts; ++part) {
      detail::native_vector<T> square[width];
      unrolled<width>([&](int r) OPTIFORM_INLINE_LAMBDA {
        square[r] = detail::load(row[part * width + r] + e);
      });
      detail::transpose_registers<T>(square);
      unrolled<width>([&](int r) OPTIFORM_INLINE_LAMBDA { out[e + r].part[part] = square[r]; });
    }
  for (; e < size; ++e) {
    T column[Lanes<T>::width];
    for (Index r = 0; r < Lanes<T>::width; ++r) column[r] = row[r][e];
    out[e] = Lanes<T>::load(column);
  }
}

/// The way back: the first `count` lanes become rows.
template <class T>
void store_lanes(Index count, Index size, const Lanes<T>* in, T* rows) {
  constexpr int width = pack_width<T>;
  Index e = 0;
  for (; e + width <= size; e += width)
    for (int part = 0; part < Lanes<T>::parts; ++part) {
      detail::native_vector<T> square[width];
      unrolled<width>([&](int r) OPTIFORM_INLINE_LAMBDA { square[r] = in[e + r].part[part]; });
      detail::transpose_registers<T>(square);
      unrolled<width>([&](int r) OPTIFORM_INLINE_LAMBDA {
        if (part * width + r < count)
          detail::store(rows + (part * width + r) * size + e, square[r]);
      });
    }
  for (; e < size; ++e)
    for (Index r = 0; r < count; ++r) rows[r * size + e] = in[e][static_cast<int>(r)];
}

template <class Operation, UnitShape S, class T>
concept works_on_panels = S.head_dim >= 32 && S.head_dim % 16 == 0 &&
                          requires(const T* const* in, T* const* out, T* p) {
  Operation::template forward_on<S, PanelMatrix<S.head_dim, T>>(in, p, p);
  Operation::template backward_on<S, PanelMatrix<S.head_dim, T>>(in, p, out, p);
};

}  // namespace cpu

/// A row operation on any number of tokens, in one thread: sixteen at a time, one per lane.
///
/// Shapes    operand[k], operand_adjoint[k] [rows, S.size(Operation::operand[k])], result, adjoint
///           [rows, S.size(Operation::result)], dense; workspace: workspace_bytes() bytes.
/// Contract  what is written overlaps nothing that is read. A token's result does not depend on the
///           others, nor on their number. Specialise it where another layout is faster.
template <RowOperation Operation, UnitShape S, class T>
struct RowOperationKernel {
  static Index workspace_bytes() {
    Index elements = S.size(Operation::result) + Operation::template workspace<S>;
    for (const Unit unit : Operation::operand) elements += 2 * S.size(unit);
    return elements * static_cast<Index>(sizeof(V)) + register_bytes;
  }

  static void forward(Index rows, const T* const* operand, T* result, std::byte* workspace) {
    constexpr Index size = S.size(Operation::result);
    Buffers buffers(workspace);
    V* const out = buffers.take(size);
    for (Index first = 0; first < rows; first += lanes) {
      const Index count = std::min<Index>(lanes, rows - first);
      buffers.load(first, count, operand);
      Operation::template forward<S>(buffers.operand, out, buffers.rest);
      cpu::store_lanes(count, size, out, result + first * size);
    }
  }

  static void backward(Index rows, const T* const* operand, const T* adjoint,
                       T* const* operand_adjoint, std::byte* workspace) {
    constexpr Index size = S.size(Operation::result);
    Buffers buffers(workspace);
    V* const in = buffers.take(size);
    V* out[Operation::operands];
    for (int k = 0; k < Operation::operands; ++k) out[k] = buffers.take(length(k));
    for (Index first = 0; first < rows; first += lanes) {
      const Index count = std::min<Index>(lanes, rows - first);
      buffers.load(first, count, operand);
      cpu::load_lanes(count, size, adjoint + first * size, in);
      Operation::template backward<S>(buffers.operand, in, out, buffers.rest);
      for (int k = 0; k < Operation::operands; ++k)
        cpu::store_lanes(count, length(k), out[k], operand_adjoint[k] + first * length(k));
    }
  }

 private:
  using V = Lanes<T>;
  static constexpr Index lanes = V::width;
  static constexpr Index length(int k) { return S.size(Operation::operand[k]); }

  struct Buffers {
    explicit Buffers(std::byte* workspace) : rest(cpu::aligned_workspace<V>(workspace)) {
      for (int k = 0; k < Operation::operands; ++k) operand[k] = take(length(k));
    }
    V* take(Index elements) {
      V* const p = rest;
      rest += elements;
      return p;
    }
    void load(Index first, Index count, const T* const* from) {
      for (int k = 0; k < Operation::operands; ++k)
        cpu::load_lanes(count, length(k), from[k] + first * length(k), operand[k]);
    }
    V* operand[Operation::operands];
    V* rest;
  };
};

/// Large squares: one token at a time, rows of its matrices in registers.
template <RowOperation Operation, UnitShape S, class T>
  requires cpu::works_on_panels<Operation, S, T>
struct RowOperationKernel<Operation, S, T> {
  static Index workspace_bytes() {
    return Operation::template workspace<S> * static_cast<Index>(sizeof(T)) + register_bytes;
  }

  static void forward(Index rows, const T* const* operand, T* result, std::byte* workspace) {
    T* const scratch = cpu::aligned_workspace<T>(workspace);
    const T* in[Operation::operands];
    for (Index row = 0; row < rows; ++row) {
      for (int k = 0; k < Operation::operands; ++k) in[k] = operand[k] + row * length(k);
      Operation::template forward_on<S, Matrix>(in, result + row * S.size(Operation::result),
                                                scratch);
    }
  }

  static void backward(Index rows, const T* const* operand, const T* adjoint,
                       T* const* operand_adjoint, std::byte* workspace) {
    T* const scratch = cpu::aligned_workspace<T>(workspace);
    const T* in[Operation::operands];
    T* out[Operation::operands];
    for (Index row = 0; row < rows; ++row) {
      for (int k = 0; k < Operation::operands; ++k) {
        in[k] = operand[k] + row * length(k);
        out[k] = operand_adjoint[k] + row * length(k);
      }
      Operation::template backward_on<S, Matrix>(in, adjoint + row * S.size(Operation::result), out,
                                                 scratch);
    }
  }

 private:
  using Matrix = cpu::PanelMatrix<S.head_dim, T>;
  static constexpr Index length(int k) { return S.size(Operation::operand[k]); }
};

OPTIFORM_NAMESPACE_END
