// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/core/math.hpp>
#include <optiform/core/orthonormal_basis.hpp>
#include <optiform/weights/kronecker_factors.hpp>

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
  class on {
    using K = kernels<Backend>;
    using Matrix = MatrixGroup::Matrix;

   public:
    using Context = typename K::Context;
    using Options = ShampooOptions;
    static constexpr double usual_rate = 0.1;

    explicit on(const ParameterTable& table, const Options& options = {},
                Roles roles = {Role::matrix})
        : options_(options),
          group_("Shampoo", table, roles),
          sides_(group_, options.max_dimension) {
      detail::require_number("Shampoo: learning rate factor", options.learning_rate_factor);
      detail::require_number("Shampoo: weight decay", options.weight_decay);
      if (!(options.beta >= 0 && options.beta <= 1))
        fail("Shampoo: beta is ", options.beta, "; expected 0 to 1");
      if (!(options.epsilon > 0))
        fail("Shampoo: epsilon is ", options.epsilon, "; expected a positive number");
      if (options.interval < 1)
        fail("Shampoo: interval is ", options.interval, " steps; expected at least 1");
      covariance_.reset(sides_.total());
      root_.reset(sides_.total());
    }

    static Options defaults() { return {}; }

    /// Bytes of the covariances and roots of these tensors.
    static Index stream_bytes(const ParameterTable& table, const Options& options,
                              Roles roles = {Role::matrix}) {
      const MatrixGroup group("Shampoo", table, roles);
      return 2 * KroneckerLayout(group, options.max_dimension).total() *
             static_cast<Index>(sizeof(T));
    }

    /// One step down `gradient_factor * gradients`.
    void step(Context& context, T* values, const T* gradients, double gradient_factor,
              double learning_rate) {
      ++clock_;
      const double rate = learning_rate * options_.learning_rate_factor;
      const double fresh =
          (options_.beta < 1 ? 1 - options_.beta : 1) * gradient_factor * gradient_factor;
      group_.each(
          context, scratch_,
          [&](const Matrix& m) {
            const Index n = sides_.of(m).longest();
            return std::max(m.size(), n * n + n);
          },
          [&](const Matrix& m, T* scratch) {
            const auto& sides = sides_.of(m);
            const T* const g = gradients + m.offset;
            add_covariances<Backend>(context, m, sides, options_.beta, fresh, g,
                                     covariance_.data());
            if ((clock_ - 1) % options_.interval == 0) {
              compute_root(context, sides.left, sides.count(), scratch);
              compute_root(context, sides.right, sides.count(), scratch);
            }
            multiply_sides<Backend>(context, m, sides, Transpose::no, -rate * gradient_factor,
                                    root_.data(), g, scratch, 1 - rate * options_.weight_decay,
                                    values + m.offset);
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
      return {{"covariance", covariance_.data(), covariance_.size()},
              {"root", root_.data(), root_.size()}};
    }
    std::int64_t clock() const { return clock_; }
    void set_clock(std::int64_t steps) { clock_ = steps; }

   private:
    /// root = (covariance + epsilon)^(-1 / (2 sides)) = V diag(...) V^T, as a product W W^T.
    void compute_root(Context& context, const KroneckerLayout::Side& side, int sides, T* scratch) {
      const Index n = side.length;
      if (n == 0) return;
      T *const vectors = scratch, *const value = scratch + n * n;
      orthonormal_basis<Backend>::eigenvectors(n, covariance_.data() + side.at, value, vectors);
      for (Index k = 0; k < n; ++k) {
        const double eigenvalue = std::max(static_cast<double>(value[k]), 0.0) + options_.epsilon;
        const auto factor = static_cast<T>(math::pow(eigenvalue, -0.25 / sides));
        for (Index i = 0; i < n; ++i) vectors[i * n + k] *= factor;
      }
      K::symmetric_product(context, Transpose::no, n, n, T(1), vectors, n, T(0),
                           static_cast<const T*>(nullptr), T(0), root_.data() + side.at);
    }

    Options options_;
    MatrixGroup group_;
    KroneckerLayout sides_;
    Buffer<T> covariance_, root_, scratch_;
    std::int64_t clock_ = 0;
  };
};

OPTIFORM_NAMESPACE_END
