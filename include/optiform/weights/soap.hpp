// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/rules/adam.hpp>
#include <optiform/weights/kronecker_optimizer.hpp>
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
  class on : public KroneckerOptimizer<on<Backend, T>, Backend, T, SoapOptions> {
    using Base = KroneckerOptimizer<on, Backend, T, SoapOptions>;
    friend Base;
    using typename Base::Matrix, typename Base::Side, typename Base::Sides;
    using K = kernels<Backend>;
    using Direction = Forward<detail::WeightStep<Adam, false, true>>;
    using Layout = VectorLayout<Adam>;

   public:
    using typename Base::Context;
    static constexpr double usual_rate = 3e-3;

    explicit on(const ParameterTable& table, const SoapOptions& options = {},
                Roles roles = {Role::matrix})
        : Base(table, options, roles),
          adam_(CoefficientSchedules{
              {"beta1", options.beta1}, {"beta2", options.beta2}, {"epsilon", options.epsilon}}) {
      detail::require_number("SOAP: beta1", options.beta1, 1);
      detail::require_number("SOAP: beta2", options.beta2, 1);
      detail::require_number("SOAP: beta of the covariances", options.covariance_beta, 1);
      detail::require_number("SOAP: epsilon", options.epsilon);
      for (Buffer<T>& moment : moment_) moment.reset(group_.total());
    }

    std::vector<NamedStream<T>> streams() {
      std::vector<NamedStream<T>> all{{"first_moment", moment_[0].data(), moment_[0].size()},
                                      {"second_moment", moment_[1].data(), moment_[1].size()}};
      for (auto& stream : Base::streams()) all.push_back(std::move(stream));
      return all;
    }

   private:
    using Base::covariance_, Base::square_, Base::group_, Base::options_;
    static constexpr const char *name = "SOAP", *square_name = "basis";
    static constexpr Index moments = 2;

    /// The rotated gradient, the direction and a product; or a product of squares and its diagonal.
    static Index scratch_elements(const Matrix& m, const Sides& sides) {
      const Index n = sides.longest();
      return 2 * m.size() + detail::larger(m.size(), n * n + n);
    }

    static Index basis_bytes(Index n) {
      return orthonormal_basis<Backend>::orthonormalise_bytes(n);
    }

    void train(Context& context, const Matrix& m, const Sides& sides, T* x, const T* gradient,
               double factor, double rate, T* scratch) {
      const bool first = this->clock() == 1;
      const double keep = first ? 0 : options_.covariance_beta;
      const double fresh = (1 - options_.covariance_beta) * factor * factor;
      if (!first) descend(context, m, sides, x, gradient, factor, rate, scratch);
      add_covariances<Backend>(context, m, sides, keep, fresh, gradient, covariance_.data());
      if (first)
        found(sides, scratch);
      else if (this->refreshes())
        refresh(context, m, sides, scratch);
    }

    /// Takes the eigenvectors of the covariances for a basis.
    void found(const Sides& sides, T* eigenvalues) {
      for (const Side& side : {sides.left, sides.right})
        if (side.length > 0)
          orthonormal_basis<Backend>::eigenvectors(side.length, covariance_.data() + side.at,
                                                   eigenvalues, square_.data() + side.at);
    }

    void descend(Context& context, const Matrix& m, const Sides& sides, T* x, const T* gradient,
                 double factor, double rate, T* scratch) {
      T *const rotated = scratch, *const direction = rotated + m.size(),
               *const product = direction + m.size();
      multiply_sides<Backend>(context, m, sides, Transpose::yes, factor, square_.data(), gradient,
                              product, 0, rotated);
      RowArguments<T> all;
      adam_.set(all, static_cast<double>(this->clock() - 1), 1);
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
      multiply_sides<Backend>(context, m, sides, Transpose::no, rate * shrink, square_.data(),
                              direction, product, shrink, x);
    }

    /// Moves the basis of a matrix by one power iteration, and its moments with it.
    void refresh(Context& context, const Matrix& m, const Sides& sides, T* scratch) {
      T *const moment = moment_[0].data() + m.stream, *const old = scratch,
               *const product = old + 2 * m.size();
      // Out of the old basis, and into the new one when it is there.
      multiply_sides<Backend>(context, m, sides, Transpose::no, 1, square_.data(), moment, product,
                              0, old);
      iterate(context, sides.left, product, [&](const std::vector<Index>& order) {
        reorder(m, order, moment_[1].data() + m.stream, old + m.size(), true);
      });
      iterate(context, sides.right, product, [&](const std::vector<Index>& order) {
        reorder(m, order, moment_[1].data() + m.stream, old + m.size(), false);
      });
      multiply_sides<Backend>(context, m, sides, Transpose::yes, 1, square_.data(), old, product, 0,
                              moment);
    }

    template <class Reorder>
    void iterate(Context& context, const Side& side, T* product, Reorder&& reorder) {
      const Index n = side.length;
      if (n == 0) return;
      T *const basis = square_.data() + side.at, *const eigenvalue = product + n * n;
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

    ScheduledCoefficients<Adam> adam_;
    Buffer<T> moment_[2];
  };
};

OPTIFORM_NAMESPACE_END
