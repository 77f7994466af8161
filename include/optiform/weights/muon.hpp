// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/core/newton_schulz.hpp>
#include <optiform/weights/matrix_group.hpp>
#include <optiform/weights/weight_optimizer.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Nesterov's look-ahead on an average of the directions seen so far: what Muon orthogonalises.
///
///   m' = beta m + (1 - beta) g;   x' = x + beta m' + (1 - beta) g
struct NesterovAverage : Rule {
  Row m = stream("momentum");
  Scalar beta = unit("beta", 0.95);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    m = beta * m + (1 - beta) * g;
    x += beta * m + (1 - beta) * g;
  }
};

/// Run-time numbers of Muon.
struct MuonOptions {
  double learning_rate_factor = 1;
  double weight_decay = 0;  ///< decoupled: x shrinks by learning rate times this
  double momentum = 0.95;
  double epsilon = 1e-7;  ///< least Frobenius norm by which a direction is divided
};

/// Muon: every matrix moves along its momentum with all singular values made about one.
///
///   m' = beta m + (1 - beta) g;   u = beta m' + (1 - beta) g
///   x' = (1 - rate decay) x - rate sqrt(max(1, rows / columns)) orthogonalise(u)
///
/// Contract  small matrices are shared out one per thread, the others' products are threaded; which
///           is which follows from the shape, and the bits do not depend on threads. Computes in T
///           throughout. Scratch memory is taken at the first step.
/// Limits    trains tensors of two dimensions; streams hold their momentum only.
/// Errors    a tensor that is no matrix; momentum outside [0, 1), a negative rate or decay.
/// Source    Jordan et al., 2024; numbers and order as torch.optim.Muon has them.
template <class Polynomial = QuinticNewtonSchulz>
struct MuonOptimizer {
  template <class Backend, class T>
  class on {
    using K = kernels<Backend>;
    using R = NesterovAverage;
    template <bool Clear>
    using Program = Forward<detail::WeightStep<R, Clear, true>>;

   public:
    using Context = typename K::Context;
    using Options = MuonOptions;
    static constexpr double usual_rate = 0.02;

    explicit on(const ParameterTable& table, const Options& options = {},
                Roles roles = {Role::matrix})
        : options_(options), group_("Muon", table, roles) {
      detail::require_number("Muon: learning rate factor", options.learning_rate_factor);
      detail::require_number("Muon: weight decay", options.weight_decay);
      detail::require_number("Muon: momentum", options.momentum, 1);
      if (!(options.epsilon > 0))
        fail("Muon: epsilon is ", options.epsilon, "; expected a positive number");
      momentum_.reset(group_.total());
    }

    static Options defaults() { return {}; }

    /// Bytes of the momentum of these tensors.
    static Index stream_bytes(const ParameterTable& table, const Options&,
                              Roles roles = {Role::matrix}) {
      return TensorGroup(table, roles).total() * static_cast<Index>(sizeof(T));
    }

    /// One step down `gradient_factor * gradients`.
    void step(Context& context, T* values, const T* gradients, double gradient_factor,
              double learning_rate) {
      run<false>(context, values, gradients, gradient_factor, learning_rate);
    }
    /// The same, and the gradients of the matrices are zero afterwards.
    void step_and_clear(Context& context, T* values, T* gradients, double gradient_factor,
                        double learning_rate) {
      run<true>(context, values, gradients, gradient_factor, learning_rate);
    }

    /// Writes the matrices: the values are what there is to show.
    void read_out(Context& context, const T* values, T* out) {
      group_.template copy<Backend>(context, values, out);
    }

    std::vector<NamedStream<T>> streams() {
      return {{recording<R>.stream[0].name, momentum_.data(), momentum_.size()}};
    }
    std::int64_t clock() const { return clock_; }
    void set_clock(std::int64_t steps) { clock_ = steps; }

   private:
    using Matrix = MatrixGroup::Matrix;

    template <bool Clear>
    void run(Context& context, T* values, const T* gradients, double gradient_factor,
             double learning_rate) {
      ++clock_;
      RowArguments<T> a;
      a.coefficient[0] = wide_t<T>(options_.momentum);
      a.coefficient[1] = wide_t<T>(-gradient_factor);
      const double rate = learning_rate * options_.learning_rate_factor;
      const auto scratch = [](const Matrix& m) {  // the direction, and what its iteration takes
        return m.size() + orthogonalise_workspace(m.rows, m.columns);
      };
      group_.each(context, scratch_, scratch, [&](const Matrix& m, T* direction) {
        K::template run_rows_batch<Program<Clear>>(
            context, static_cast<Index>(m.pieces.size()), [&](Index i) {
              const TensorGroup::Piece& piece = m.pieces[static_cast<std::size_t>(i)];
              return detail::arguments_of<R>(a, piece, direction + (piece.offset - m.offset),
                                             &momentum_, gradients);
            });
        const double shape = static_cast<double>(m.rows) / static_cast<double>(m.columns);
        orthogonalise<Polynomial, Backend>(context, m.rows, m.columns, options_.epsilon, direction,
                                           direction + m.size(),
                                           rate * math::sqrt(std::max(1.0, shape)),
                                           1 - rate * options_.weight_decay, values + m.offset);
      });
    }

    Options options_;
    MatrixGroup group_;
    Buffer<T> momentum_, scratch_;
    std::int64_t clock_ = 0;
  };
};

OPTIFORM_NAMESPACE_END
