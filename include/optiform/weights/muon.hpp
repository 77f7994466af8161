// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include <optiform/core/math.hpp>
#include <optiform/core/newton_schulz.hpp>
#include <optiform/weights/matrix_optimizer.hpp>
#include <optiform/weights/weight_optimizer.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// An average of the directions seen so far and the newest of them: what Muon orthogonalises.
///
///   m' = beta m + (1 - beta) g;   x' = x + share m' + (1 - share) g
///
/// Limits    share = beta is Nesterov's look-ahead, share = 1 the average itself.
struct MomentumAverage : Rule {
  Row m = stream("momentum");
  Scalar beta = unit("beta", 0.95), share = unit("share", 0.95);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    m = beta * m + (1 - beta) * g;
    x += share * m + (1 - share) * g;
  }
};

/// What a rate of Muon is multiplied by for a matrix of [rows, columns].
enum class MuonScale : std::uint8_t {
  aspect,  ///< sqrt(max(1, rows / columns)): equal changes of what layers put out
  adamw,   ///< 0.2 sqrt(max(rows, columns)): steps as long as AdamW's, whose rate then suits
};

/// Run-time numbers of Muon.
struct MuonOptions {
  double learning_rate_factor = 1;
  double weight_decay = 0;  ///< decoupled: x shrinks by learning rate times this
  double momentum = 0.95;
  double epsilon = 1e-7;  ///< least Frobenius norm by which a direction is divided
  bool nesterov = true;   ///< false: u is m' itself
  MuonScale scale = MuonScale::aspect;

  /// Of a matrix: see MuonScale.
  double scale_of(Index rows, Index columns) const {
    const auto r = static_cast<double>(rows), c = static_cast<double>(columns);
    return scale == MuonScale::adamw ? 0.2 * math::sqrt(std::max(r, c))
                                     : math::sqrt(std::max(1.0, r / c));
  }
};

/// Muon: every matrix moves along its momentum with all singular values made about one.
///
///   m' = beta m + (1 - beta) g;   u = beta m' + (1 - beta) g
///   x' = (1 - rate decay) x - rate scale orthogonalise(u)
///
/// Contract  small matrices are shared out one per thread, the others' products are threaded; which
///           is which follows from the shape, and the bits do not depend on threads. Computes in T
///           throughout. Scratch memory is taken at the first step.
/// Limits    trains tensors of two dimensions; streams hold their momentum only.
/// Errors    a tensor that is no matrix; momentum outside [0, 1), a negative rate or decay.
/// Source    Jordan et al., 2024; MuonScale::adamw: Liu et al., "Muon is scalable for LLM
/// training",
///           arXiv 2502.16982. Numbers and order as torch.optim.Muon has them, but for a decay of 0
///           where none is given (0.1 there) and for iterating in T (bfloat16 there).
template <class Polynomial = QuinticNewtonSchulz>
struct MuonOptimizer {
  template <class Backend, class T>
  class on : public MatrixOptimizer<on<Backend, T>, Backend, T, MuonOptions> {
    using Base = MatrixOptimizer<on, Backend, T, MuonOptions>;
    friend Base;
    using typename Base::Matrix;
    using R = MomentumAverage;

   public:
    using typename Base::Context;
    static constexpr double usual_rate = 0.02;

    explicit on(const ParameterTable& table, const MuonOptions& options = {},
                Roles roles = {Role::matrix})
        : Base("Muon", group_of(table, roles), options) {
      detail::require_number("Muon: momentum", options.momentum, 1);
      if (!(options.epsilon > 0))
        fail("Muon: epsilon is ", options.epsilon, "; expected a positive number");
      momentum_.reset(group_.total());
    }

    /// Bytes of the momentum of these tensors and of the scratch memory of so many threads.
    static Index planned_bytes(const ParameterTable& table, const MuonOptions&, int threads,
                               Roles roles = {Role::matrix}) {
      const MatrixGroup group = group_of(table, roles);
      return (group.total() + group.at_once(threads, scratch_elements)) *
             static_cast<Index>(sizeof(T));
    }

    std::vector<NamedStream<T>> streams() {
      return {{recording<R>.stream[0].name, momentum_.data(), momentum_.size()}};
    }

   private:
    using Base::group_, Base::options_;

    static MatrixGroup group_of(const ParameterTable& table, Roles roles) {
      return MatrixGroup("Muon", table, roles, [](const Matrix& m) {
        return MatrixGroup::Work{Polynomial::steps * orthogonalise_work(m.rows, m.columns)};
      });
    }
    /// The direction, and what its iteration takes.
    static Index scratch_elements(const Matrix& m) {
      return m.size() + orthogonalise_workspace(m.rows, m.columns);
    }

    template <bool Clear>
    void run(Context& context, T* values, typename Base::template Gradients<Clear>* gradients,
             double gradient_factor, double rate) {
      RowArguments<T> a;
      a.coefficient[0] = wide_t<T>(options_.momentum);
      a.coefficient[1] = wide_t<T>(options_.nesterov ? options_.momentum : 1);
      a.coefficient[2] = wide_t<T>(-gradient_factor);
      group_.each(context, scratch_, scratch_elements, [&](const Matrix& m, T* direction) {
        kernels<Backend>::template run_rows_batch<Forward<detail::WeightStep<R, Clear, true>>>(
            context, static_cast<Index>(m.pieces.size()), [&](Index i) {
              const TensorGroup::Piece& piece = m.pieces[static_cast<std::size_t>(i)];
              return detail::arguments_of<R>(a, piece, direction + (piece.offset - m.offset),
                                             &momentum_, gradients);
            });
        orthogonalise<Polynomial, Backend>(context, m.rows, m.columns, options_.epsilon, direction,
                                           direction + m.size(),
                                           rate * options_.scale_of(m.rows, m.columns),
                                           1 - rate * options_.weight_decay, values + m.offset);
      });
    }

    Buffer<T> momentum_, scratch_;
  };
};

OPTIFORM_NAMESPACE_END
