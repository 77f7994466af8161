// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/core/orthonormal_basis.hpp>
#include <optiform/rules/adam.hpp>
#include <optiform/weights/kronecker_factors.hpp>
#include <optiform/weights/weight_optimizer.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Run-time numbers of SOAP.
struct SoapOptions {
  double learning_rate_factor = 1;
  double weight_decay = 0.01;  ///< decoupled: x shrinks by learning rate times this
  double beta1 = 0.95, beta2 = 0.95;
  double covariance_beta = 0.95;  ///< of the covariances whose eigenvectors are the basis
  double epsilon = 1e-8;
  Index interval = 10;          ///< steps between two refreshes of the basis
  Index max_dimension = 10000;  ///< longer sides of a matrix are not rotated
};

/// SOAP: Adam in the eigenbasis of Shampoo's preconditioner.
///
///   g~ = QL^T g QR;   m, s, u: Adam's moments and direction of g~
///   x' = (1 - rate decay) (x - rate QL u QR^T)
///   L' = beta L + (1 - beta) g g^T,   R' = beta R + (1 - beta) g^T g
///
/// Every `interval` steps QL becomes the orthonormal factor of L QL, its columns sorted by falling
/// diag(QL^T L QL); QR likewise. The first moment turns with the basis, the second follows the
/// order of its columns.
///
/// Contract  the first step only founds the basis, on the eigenvectors of its covariances, and
///           moves nothing: no gradient is ever rotated by its own covariance. A steady step
///           allocates nothing, a refresh does (see orthonormal_basis). The same bits on any number
///           of threads.
/// Limits    trains tensors of two dimensions. A matrix with both sides beyond max_dimension has
///           Adam; with one, one-sided SOAP.
/// Errors    a tensor that is no matrix; numbers out of range.
/// Source    Vyas et al., "SOAP: improving and stabilizing Shampoo using Adam", ICLR 2025, its
///           algorithm 3; defaults, first step and order as the authors' program has them.
struct SoapOptimizer {
  template <class Backend, class T>
  class on {
    using K = kernels<Backend>;
    using Direction = Forward<detail::WeightStep<Adam, false, true>>;
    using Matrix = MatrixGroup::Matrix;
    using Layout = VectorLayout<Adam>;

   public:
    using Context = typename K::Context;
    using Options = SoapOptions;
    static constexpr double usual_rate = 3e-3;

    explicit on(const ParameterTable& table, const Options& options = {},
                Roles roles = {Role::matrix})
        : options_(options),
          group_("SOAP", table, roles),
          sides_(group_, options.max_dimension),
          adam_(CoefficientSchedules{
              {"beta1", options.beta1}, {"beta2", options.beta2}, {"epsilon", options.epsilon}}) {
      detail::require_number("SOAP: learning rate factor", options.learning_rate_factor);
      detail::require_number("SOAP: weight decay", options.weight_decay);
      detail::require_number("SOAP: beta1", options.beta1, 1);
      detail::require_number("SOAP: beta2", options.beta2, 1);
      detail::require_number("SOAP: beta of the covariances", options.covariance_beta, 1);
      detail::require_number("SOAP: epsilon", options.epsilon);
      if (options.interval < 1)
        fail("SOAP: interval is ", options.interval, " steps; expected at least 1");
      for (Buffer<T>& moment : moment_) moment.reset(group_.total());
      covariance_.reset(sides_.total());
      basis_.reset(sides_.total());
    }

    static Options defaults() { return {}; }

    /// Bytes of the moments, covariances and bases of these tensors.
    static Index stream_bytes(const ParameterTable& table, const Options& options,
                              Roles roles = {Role::matrix}) {
      const MatrixGroup group("SOAP", table, roles);
      return 2 * (group.total() + KroneckerLayout(group, options.max_dimension).total()) *
             static_cast<Index>(sizeof(T));
    }

    /// One step down `gradient_factor * gradients`.
    void step(Context& context, T* values, const T* gradients, double gradient_factor,
              double learning_rate) {
      ++clock_;
      const double rate = learning_rate * options_.learning_rate_factor;
      group_.each(
          context, scratch_, [&](const Matrix& m) { return scratch_elements(m); },
          [&](const Matrix& m, T* scratch) {
            train(context, m, values + m.offset, gradients + m.offset, gradient_factor, rate,
                  scratch);
          });
    }
    /// The same, and the gradients of the matrices are zero afterwards.
    void step_and_clear(Context& context, T* values, T* gradients, double gradient_factor,
                        double learning_rate) {
      step(context, values, gradients, gradient_factor, learning_rate);
      group_.template clear<Backend>(context, gradients);
    }

    /// Writes the matrices: the values are what there is to show.
    void read_out(Context& context, const T* values, T* out) {
      group_.template copy<Backend>(context, values, out);
    }

    std::vector<NamedStream<T>> streams() {
      return {{"first_moment", moment_[0].data(), moment_[0].size()},
              {"second_moment", moment_[1].data(), moment_[1].size()},
              {"covariance", covariance_.data(), covariance_.size()},
              {"basis", basis_.data(), basis_.size()}};
    }
    std::int64_t clock() const { return clock_; }
    void set_clock(std::int64_t steps) { clock_ = steps; }

   private:
    using Side = KroneckerLayout::Side;

    /// The rotated gradient, the direction and a product; or a product of squares and its diagonal.
    Index scratch_elements(const Matrix& m) const {
      const Index n = sides_.of(m).longest();
      return 2 * m.size() + std::max(m.size(), n * n + n);
    }

    void train(Context& context, const Matrix& m, T* x, const T* gradient, double factor,
               double rate, T* scratch) {
      const auto& sides = sides_.of(m);
      const double keep = clock_ == 1 ? 0 : options_.covariance_beta;
      const double fresh = (1 - options_.covariance_beta) * factor * factor;
      if (clock_ > 1) descend(context, m, x, gradient, factor, rate, scratch);
      add_covariances<Backend>(context, m, sides, keep, fresh, gradient, covariance_.data());
      if (clock_ == 1) {
        for (const Side& side : {sides.left, sides.right})
          if (side.length > 0)
            orthonormal_basis<Backend>::eigenvectors(side.length, covariance_.data() + side.at,
                                                     scratch, basis_.data() + side.at);
      } else if ((clock_ - 1) % options_.interval == 0) {
        refresh(context, m, scratch);
      }
    }

    void descend(Context& context, const Matrix& m, T* x, const T* gradient, double factor,
                 double rate, T* scratch) {
      const auto& sides = sides_.of(m);
      T *const rotated = scratch, *const direction = rotated + m.size(),
               *const product = direction + m.size();
      multiply_sides<Backend>(context, m, sides, Transpose::yes, factor, basis_.data(), gradient,
                              product, 0, rotated);
      RowArguments<T> all;
      adam_.set(all, static_cast<double>(clock_ - 1), 1);
      all.coefficient[Layout::factor] = wide_t<T>(-1);
      all.rows = 1;
      K::template run_rows_batch<Direction>(
          context, static_cast<Index>(m.pieces.size()), [&](Index i) {
            const TensorGroup::Piece& piece = m.pieces[static_cast<std::size_t>(i)];
            const Index at = piece.offset - m.offset;
            RowArguments<T> a = all;
            a.length = piece.size;
            a.output[0] = direction + at;
            for (short s = 0; s < 2; ++s)
              a.input[s + 1] = a.output[s + 1] = moment_[s].data() + piece.stream;
            a.input[Layout::gradient] = rotated + at;
            return a;
          });
      const double shrink = 1 - rate * options_.weight_decay;
      multiply_sides<Backend>(context, m, sides, Transpose::no, rate * shrink, basis_.data(),
                              direction, product, shrink, x);
    }

    /// Moves the basis of a matrix by one power iteration, and its moments with it.
    void refresh(Context& context, const Matrix& m, T* scratch) {
      const auto& sides = sides_.of(m);
      T *const moment = moment_[0].data() + m.stream, *const old = scratch,
               *const product = old + 2 * m.size();
      // Out of the old basis, and into the new one when it is there.
      multiply_sides<Backend>(context, m, sides, Transpose::no, 1, basis_.data(), moment, product,
                              0, old);
      iterate(context, sides.left, product, [&](const std::vector<Index>& order) {
        reorder(m, order, moment_[1].data() + m.stream, old + m.size(), true);
      });
      iterate(context, sides.right, product, [&](const std::vector<Index>& order) {
        reorder(m, order, moment_[1].data() + m.stream, old + m.size(), false);
      });
      multiply_sides<Backend>(context, m, sides, Transpose::yes, 1, basis_.data(), old, product, 0,
                              moment);
    }

    template <class Reorder>
    void iterate(Context& context, const Side& side, T* product, Reorder&& reorder) {
      const Index n = side.length;
      if (n == 0) return;
      T *const basis = basis_.data() + side.at, *const eigenvalue = product + n * n;
      K::gemm(context, Transpose::no, Transpose::no, n, n, n, T(1), covariance_.data() + side.at, n,
              basis, n, T(0), product, n);
      for (Index k = 0; k < n; ++k) eigenvalue[k] = T(0);
      for (Index i = 0; i < n; ++i)
        for (Index k = 0; k < n; ++k) eigenvalue[k] += basis[i * n + k] * product[i * n + k];
      const std::vector<Index> order = falling(n, eigenvalue);
      for (Index i = 0; i < n; ++i)
        for (Index k = 0; k < n; ++k)
          basis[i * n + k] = product[i * n + order[static_cast<std::size_t>(k)]];
      orthonormal_basis<Backend>::orthonormalise(n, basis);
      reorder(order);
    }

    /// The indices of n numbers, largest first; they are nearly in order already.
    static std::vector<Index> falling(Index n, const T* number) {
      std::vector<Index> order;
      for (Index i = 0; i < n; ++i) {
        auto at = order.end();
        while (at != order.begin() && number[*(at - 1)] < number[i]) --at;
        order.insert(at, i);
      }
      return order;
    }

    /// Row (or column) k becomes what row order[k] was.
    static void reorder(const Matrix& m, const std::vector<Index>& order, T* moment, T* copy,
                        bool rows) {
      for (Index i = 0; i < m.size(); ++i) copy[i] = moment[i];
      for (Index i = 0; i < m.rows; ++i)
        for (Index j = 0; j < m.columns; ++j)
          moment[i * m.columns + j] =
              rows ? copy[order[static_cast<std::size_t>(i)] * m.columns + j]
                   : copy[i * m.columns + order[static_cast<std::size_t>(j)]];
    }

    Options options_;
    MatrixGroup group_;
    KroneckerLayout sides_;
    ScheduledCoefficients<Adam> adam_;
    Buffer<T> moment_[2], covariance_, basis_, scratch_;
    std::int64_t clock_ = 0;
  };
};

OPTIFORM_NAMESPACE_END
