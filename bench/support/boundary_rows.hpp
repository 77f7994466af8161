// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/cpu/backend.hpp>
#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference_rows.hpp>
#include <optiform/depth/dynamics.hpp>

namespace bench {

using namespace optiform;

/// Buffers for the row program between two steps of rule R, forward and backward, filled with
/// fixed random numbers, as a language model holds them: the adjoints of the state are replaced
/// in place.
template <class R, class T, Index Width>
class BoundaryRows {
 public:
  using D = Dynamics<R, DepthOptions{}, 1>;
  using ForwardProgram = Forward<Boundary<D, D>>;
  using BackwardProgram = Backward<Boundary<D, D>>;
  static constexpr int buffers = D::streams + 2;  ///< iterate, streams, oracle or query

  explicit BoundaryRows(Index rows) : rows_(rows) {
    Rng rng(1);
    const auto random = [&](T spread) {
      Buffer<T> b(rows * Width);
      // One random row per 61 rows is random enough, and quick.
      const Index drawn = (rows < 61 ? rows : 61) * Width;
      for (Index i = 0; i < b.size(); ++i)
        b[i] = i < drawn ? spread * static_cast<T>(rng.normal()) : b[i - drawn];
      return b;
    };
    for (int i = 0; i < buffers; ++i) {
      in.push_back(random(T(1)));
      out.emplace_back(rows * Width);
      adjoint.push_back(random(T(0.1)));
    }
    for (short s = 0; s < D::streams; ++s)
      if (D::rule.stream[s].init == Init::ones)
        for (T& value : in[static_cast<std::size_t>(s) + 1]) value = value * value + T(0.01);
    oracle_gradient.reset(rows * Width);
    for (int c = 0; c < columns; ++c) {
      gain.push_back(random(T(0.1)));
      for (T& value : gain.back()) value += T(1);
      gain_gradient.emplace_back(Width);
    }
    statistic.reset(rows * ForwardProgram::graph.statistics);
    workspace.reset(row_workspace_bytes<BackwardProgram, T>(rows, Width));
    for (int c = 0; c < coefficients; ++c) coefficient[c] = 0.3 + 0.4 * rng.uniform();
  }

  Index rows() const { return rows_; }

  template <class Context>
  void forward(Context& context, bool streaming) {
    kernels<Cpu>::run_rows<ForwardProgram, Width>(context, forward_arguments(streaming));
  }
  template <class Context>
  void backward(Context& context, bool streaming) {
    kernels<Cpu>::run_rows<BackwardProgram, Width>(context, backward_arguments(streaming));
  }
  /// The same by plain loops.
  void forward_reference() { ReferenceRows<ForwardProgram, T>::run(forward_arguments(false)); }
  void backward_reference() { ReferenceRows<BackwardProgram, T>::run(backward_arguments(false)); }

  /// Bytes that must be read or written at least once.
  double forward_bytes() const { return bytes(2 * buffers); }
  double backward_bytes() const {
    int stores = 0;
    for (int i = 0; i < buffers; ++i) stores += writes<BackwardProgram>(i) ? 1 : 0;
    return bytes(inputs_read<BackwardProgram>() + stores);
  }

  static constexpr int columns = ForwardProgram::graph.columns;
  static constexpr int coefficients = ForwardProgram::graph.coefficients;
  std::vector<Buffer<T>> in, out, adjoint, gain, gain_gradient;
  Buffer<T> oracle_gradient, statistic;
  Buffer<std::byte> workspace;
  double coefficient[2 * Recording::max_coefficients + 1]{};
  double coefficient_gradient[2 * Recording::max_coefficients + 1]{};

 private:
  double bytes(int rows_of_buffers) const {
    return static_cast<double>(rows_of_buffers) * static_cast<double>(rows_ * Width) * sizeof(T);
  }
  template <class P>
  static constexpr int inputs_read() {
    int reads = 0;
    for (short i = 0; i < P::graph.nodes; ++i) reads += P::graph.node[i].op == Op::input ? 1 : 0;
    return reads;
  }
  RowArguments<T> forward_arguments(bool streaming) {
    RowArguments<T> a = arguments(streaming);
    for (std::size_t i = 0; i < buffers; ++i) a.output[i] = out[i].data();
    return a;
  }
  RowArguments<T> backward_arguments(bool streaming) {
    RowArguments<T> a = arguments(streaming);
    for (std::size_t i = 0; i < buffers; ++i) {
      a.input[buffers + i] = adjoint[i].data();
      a.output[i] = i + 1 < buffers ? adjoint[i].data() : oracle_gradient.data();
    }
    return a;
  }
  RowArguments<T> arguments(bool streaming) {
    RowArguments<T> a;
    a.rows = rows_;
    a.length = Width;
    a.streaming = streaming;
    a.statistic = statistic.data();
    a.workspace = workspace.data();
    for (std::size_t i = 0; i < buffers; ++i) a.input[i] = in[i].data();
    for (std::size_t c = 0; c < static_cast<std::size_t>(columns); ++c) {
      a.column[c] = gain[c].data();
      a.column_gradient[c] = gain_gradient[c].data();
    }
    for (int c = 0; c < coefficients; ++c) a.coefficient[c] = coefficient[c];
    a.coefficient_gradient = coefficient_gradient;
    return a;
  }

  Index rows_;
};

}  // namespace bench
