// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/math.hpp>
#include <optiform/weights/kronecker_optimizer.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Run-time numbers of Shampoo.
struct ShampooOptions {
  double learning_rate_factor = 1;
  double weight_decay = 0;      ///< decoupled: x shrinks by learning rate times this
  double beta = 1;              ///< 1 sums the covariances up, below 1 averages them
  double epsilon = 1e-4;        ///< what L and R have on the diagonal before the first step
  Index interval = 10;          ///< steps between two computations of the roots
  Index max_dimension = 10000;  ///< longer sides of a matrix are not preconditioned
};

/// Shampoo: a preconditioner for the rows and one for the columns of every matrix.
///
///   L' = beta L + g g^T,   R' = beta R + g^T g        beta < 1: (1 - beta) times g g^T, g^T g
///   x' = (1 - rate decay) x - rate (L' + epsilon)^(-1/4) g (R' + epsilon)^(-1/4)
///
/// Contract  roots are computed in the first step and then every `interval` steps, by eigenvectors
///           in double. A steady step allocates nothing, a computation of roots does (see
///           orthonormal_basis). The same bits on any number of threads.
/// Limits    trains tensors of two dimensions. With one side beyond max_dimension the other's
///           exponent is -1/2, with both Shampoo is gradient descent. Between two computations a
///           direction that no gradient had before is stretched by up to epsilon^(-1/2): where
///           gradients lie in few directions, use interval 1 or a larger epsilon.
/// Errors    a tensor that is no matrix; numbers out of range.
/// Source    Gupta, Koren, Singer, "Shampoo: preconditioned stochastic tensor optimization", ICML
///           2018, algorithm 1; averaging: Anil et al., arXiv 2002.09018.
struct ShampooOptimizer {
  template <class Backend, class T>
  class on : public KroneckerOptimizer<on<Backend, T>, Backend, T, ShampooOptions> {
    using Base = KroneckerOptimizer<on, Backend, T, ShampooOptions>;
    friend Base;
    using typename Base::Matrix, typename Base::Side, typename Base::Sides;

   public:
    using typename Base::Context;
    static constexpr double usual_rate = 0.1;

    explicit on(const ParameterTable& table, const ShampooOptions& options = {},
                Roles roles = {Role::matrix})
        : Base(table, options, roles) {
      if (!(options.beta >= 0 && options.beta <= 1))
        fail("Shampoo: beta is ", options.beta, "; expected 0 to 1");
      if (!(options.epsilon > 0))
        fail("Shampoo: epsilon is ", options.epsilon, "; expected a positive number");
    }

   private:
    using Base::covariance_, Base::square_, Base::options_;
    static constexpr const char *name = "Shampoo", *square_name = "root";
    static constexpr Index moments = 0;

    static Index scratch_elements(const Matrix& m, const Sides& sides) {
      const Index n = sides.longest();
      return detail::larger(m.size(), n * n + n);
    }

    static Index basis_bytes(Index n) { return orthonormal_basis<Backend>::eigenvectors_bytes(n); }

    void train(Context& context, const Matrix& m, const Sides& sides, T* x, const T* gradient,
               double factor, double rate, T* scratch) {
      const double beta = options_.beta, fresh = (beta < 1 ? 1 - beta : 1) * factor * factor;
      add_covariances<Backend>(context, m, sides, beta, fresh, gradient, covariance_.data());
      if (this->refreshes())
        for (const Side& side : {sides.left, sides.right})
          compute_root(context, side, sides.count(), scratch);
      multiply_sides<Backend>(context, m, sides, Transpose::no, -rate * factor, square_.data(),
                              gradient, scratch, 1 - rate * options_.weight_decay, x);
    }

    /// root = (covariance + epsilon)^(-1 / (2 sides)) = V diag(...) V^T, as a product W W^T.
    void compute_root(Context& context, const Side& side, int sides, T* scratch) {
      const Index n = side.length;
      if (n == 0) return;
      T *const vectors = scratch, *const value = scratch + n * n;
      orthonormal_basis<Backend>::eigenvectors(n, covariance_.data() + side.at, value, vectors);
      for (Index k = 0; k < n; ++k) {
        const double eigenvalue =
            (value[k] > 0 ? static_cast<double>(value[k]) : 0.0) + options_.epsilon;
        const auto factor = static_cast<T>(math::pow(eigenvalue, -0.25 / sides));
        for (Index i = 0; i < n; ++i) vectors[i * n + k] *= factor;
      }
      kernels<Backend>::symmetric_product(context, Transpose::no, n, n, T(1), vectors, n, T(0),
                                          static_cast<const T*>(nullptr), T(0),
                                          square_.data() + side.at);
    }
  };
};

OPTIFORM_NAMESPACE_END
