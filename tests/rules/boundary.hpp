// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <optiform/cpu.hpp>

#include "../support/random_data.hpp"
#include "../support/scalar_rules.hpp"

namespace optiform::testing {

/// A rule of the library beside the independent scalar loops of the same rule.
template <class R, class Loops>
struct RuleCase {
  using Rule = R;
  using Scalar = Loops;
};
using GradientDescentCase = RuleCase<GradientDescent, scalar_rules::GradientDescent>;
using HeavyBallCase = RuleCase<HeavyBall, scalar_rules::HeavyBall>;
using NesterovCase = RuleCase<Nesterov, scalar_rules::Nesterov>;
using TripleMomentumCase = RuleCase<TripleMomentum, scalar_rules::TripleMomentum>;
using RmsPropCase = RuleCase<RmsProp, scalar_rules::RmsProp>;
using AdamCase = RuleCase<Adam, scalar_rules::Adam>;
using AdamWCase = RuleCase<AdamW, scalar_rules::AdamW>;
using OrthoCase = RuleCase<Ortho, scalar_rules::Ortho>;
using MuonCase = RuleCase<Muon, scalar_rules::Muon>;
using ShampooCase = RuleCase<BasicShampoo<UncoupledInverseRoot>, scalar_rules::Shampoo>;
using SoapCase = RuleCase<BasicSoap<UncoupledInverseRoot>, scalar_rules::Soap>;

/// One boundary program A -> A with all its inputs, outputs, adjoints and gradients. Rules with row
/// operations need the lengths of forward and backward, and heads that divide the width.
template <class R, class Backend, class T, Norm VelocityNorm = Norm::layer_norm, int Heads = 1>
class BoundaryRun {
 public:
  using D = Dynamics<R, DepthOptions{.velocity_norm = VelocityNorm}, 1>;
  using Source = Boundary<D, D>;
  using Primal = Forward<Source>;
  using Adjoint = Backward<Source>;
  static constexpr int states = D::streams + 1;
  static constexpr int buffers = states + 1;
  static constexpr int columns = D::gains + 1;
  static constexpr int coefficients = 2 * D::coefficients;
  using Rows = std::vector<std::vector<T>>;

  BoundaryRun(Index rows_, Index width_, std::uint64_t seed, int threads = 1)
      : rows(rows_), width(width_), context(threads) {
    Rng rng(seed);
    for (short i = 0; i < buffers; ++i) {
      input.push_back(normal<T>(rng, rows * size(i)));
      adjoint.push_back(normal<T>(rng, rows * size(i)));
      output.emplace_back(input.back().size());
    }
    for (short s = 0; s < D::streams; ++s)
      if (D::rule.stream[s].init == Init::ones) {  // second moments are positive
        for (T& value : input[static_cast<std::size_t>(s + 1)]) value = T(0.5) + value * value;
      } else if (D::rule.stream[s].unit == Unit::square) {
        for (Index r = 0; r < rows; ++r) make_covariance(s + 1, r);
      }
    column = normal<T>(rng, columns * width);
    for (T& gain : column) gain = T(1) + T(0.3) * gain;
    for (int step = 0; step < 2; ++step)
      for (int c = 0; c < D::coefficients; ++c) {
        const CoefficientInfo& info = D::rule.coefficient[c];
        coefficient.push_back(info.kind == CoefficientKind::constant ? info.initial
                                                                     : rng.uniform(0.1, 0.9));
      }
    statistic.resize(static_cast<std::size_t>(rows * Primal::graph.statistics));
  }

  template <Index Length = 0>
  void forward(bool streaming = false) {
    RowArguments<T> a = arguments();
    for (int i = 0; i < buffers; ++i) a.output[i] = output[static_cast<std::size_t>(i)].data();
    a.streaming = streaming;
    kernels<Backend>::template run_rows<Primal, Length, Heads>(context, a);
  }

  /// `in_place`: state gradients overwrite the adjoints they come from, as in a network.
  template <Index Length = 0>
  void backward(bool in_place = false) {
    gradient = input;
    for (auto& g : gradient) g.assign(g.size(), T(0));
    column_gradient.assign(column.size(), T(0));
    coefficient_gradient.assign(static_cast<std::size_t>(coefficients), 0.0);
    Buffer<std::byte> workspace(row_workspace_bytes<Adjoint, T>(rows, width));
    RowArguments<T> a = arguments();
    a.workspace = workspace.data();
    for (int i = 0; i < buffers; ++i) {
      auto& from = adjoint[static_cast<std::size_t>(i)];
      auto& to = gradient[static_cast<std::size_t>(i)];
      a.output[i] = to.data();
      a.input[buffers + i] = from.data();
      if (in_place && i < states) {
        to = from;
        a.input[buffers + i] = to.data();
      }
    }
    for (int i = 0; i < columns; ++i) a.column_gradient[i] = column_gradient.data() + i * width;
    a.coefficient_gradient = coefficient_gradient.data();
    kernels<Backend>::template run_rows<Adjoint, Length, Heads>(context, a);
  }

  /// Numbers per row of input or output i.
  Index size(short i) const {
    return D::rule.unit(i) == Unit::row
               ? width
               : UnitShape{Heads, static_cast<int>(width) / Heads}.size(Unit::square);
  }

  /// The inner product of all outputs with the adjoints, in double.
  template <Index Length = 0>
  double objective() {
    forward<Length>();
    double sum = 0;
    for (std::size_t i = 0; i < output.size(); ++i)
      for (std::size_t j = 0; j < output[i].size(); ++j)
        sum += static_cast<double>(output[i][j]) * static_cast<double>(adjoint[i][j]);
    return sum;
  }

  Index rows, width;
  Rows input, output, adjoint, gradient;
  std::vector<T> column, column_gradient, statistic;
  std::vector<double> coefficient, coefficient_gradient;
  context_t<Backend> context;

 private:
  /// Turns the numbers of a square of row r into those of a well-conditioned covariance.
  void make_covariance(int i, Index r) {
    const Index order = width / Heads;
    T* square = input[static_cast<std::size_t>(i)].data() + r * size(static_cast<short>(i));
    const std::vector<T> factor(square, square + size(static_cast<short>(i)));
    for (Index j = 0; j < order; ++j)
      for (Index k = 0; k <= j; ++k) {
        T sum(j == k ? 1 : 0);
        for (Index l = 0; l <= k; ++l)
          sum += T(0.1) * factor[static_cast<std::size_t>(j * (j + 1) / 2 + l)] *
                 factor[static_cast<std::size_t>(k * (k + 1) / 2 + l)];
        square[j * (j + 1) / 2 + k] = sum;
      }
  }
  RowArguments<T> arguments() {
    RowArguments<T> a;
    a.rows = rows;
    a.length = width;
    for (int i = 0; i < buffers; ++i) a.input[i] = input[static_cast<std::size_t>(i)].data();
    for (int i = 0; i < columns; ++i) a.column[i] = column.data() + i * width;
    for (int c = 0; c < coefficients; ++c)
      a.coefficient[c] = coefficient[static_cast<std::size_t>(c)];
    a.statistic = statistic.data();
    return a;
  }
};

}  // namespace optiform::testing
