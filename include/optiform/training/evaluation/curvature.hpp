// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <optiform/training/evaluation/difference_hessian.hpp>
#include <optiform/training/evaluation/exact_model.hpp>
#include <optiform/training/evaluation/spread.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How the curvature of the loss is measured. The sizes of its crops are the trainer's.
///
/// Source    arXiv 2605.24425, appendix G: 2 batches of 2 crops of 512 tokens.
struct CurvatureProtocol {
  Index batches = 2;        ///< of crops: the loss is their mean
  Index iterations = 15;    ///< of the power method, at most
  double tolerance = 1e-3;  ///< relative change of the eigenvalue that ends it
  Index probes = 10;        ///< of the trace
  std::uint64_t seed = 0;   ///< of the crops; start vector and probes are its streams
  double step = 0;          ///< of differences: see DifferenceHessian; exact products have none

  void validate() const {
    if (iterations < 1) fail("iterations is ", iterations, "; expected at least 1");
    if (probes < 1) fail("probes is ", probes, "; expected at least 1");
    if (!(tolerance >= 0)) fail("tolerance is ", tolerance, "; expected 0 or more");
    detail::require_difference_step(step);
  }
};

/// An eigenvalue of largest absolute value, with its sign.
struct TopEigenvalue {
  double value = 0;
  Index iterations = 0;    ///< products with the matrix
  bool converged = false;  ///< the last change was within the tolerance
};

/// The power method on a symmetric matrix known by its products: the Rayleigh quotient of a unit
/// vector, then the next vector.
///
/// Contract  product(v, out) sets out = H v; v is the start vector and becomes the eigenvector.
/// Limits    two largest eigenvalues of opposite sign and like size converge slowly or not at all.
template <class Product>
TopEigenvalue top_eigenvalue(Product&& product, ParameterVector& v, Index iterations,
                             double tolerance) {
  TopEigenvalue top;
  ParameterVector next(v.size());
  for (double length = norm(v); top.iterations < iterations && length > 0; length = norm(v)) {
    for (double& number : v) number /= length;
    product(v, next);
    const double quotient = dot(v, next), change = std::fabs(quotient - top.value);
    top.converged = top.iterations++ > 0 && change <= tolerance * std::fabs(top.value);
    top.value = quotient;
    if (top.converged) break;
    v.swap(next);
  }
  return top;
}

/// A trace as random signs see it.
struct TraceEstimate {
  double mean = 0;
  double deviation = 0;  ///< population standard deviation of the probes
};

/// Hutchinson's estimate: the mean of z^T H z over vectors z of random signs.
///
/// Contract  product as above; draw(probe, z) fills z.
/// Source    Hutchinson, Communications in Statistics 19, 1990.
template <class Product, class Draw>
TraceEstimate estimate_trace(Product&& product, std::size_t size, Index probes, Draw&& draw) {
  ParameterVector z(size), hz(size);
  Spread spread;
  for (Index probe = 0; probe < probes; ++probe) {
    draw(probe, z);
    product(z, hz);
    spread.add(dot(z, hz));
  }
  return {spread.mean(), spread.deviation()};
}

/// How curved the loss is where training has ended.
struct Curvature {
  TopEigenvalue top;
  TraceEstimate trace;
  Index parameters = 0;

  double trace_per_parameter() const { return trace.mean / static_cast<double>(parameters); }
};

/// Measures any Hessian over a model's parameters.
///
/// Contract  hessian(v, out) sets out = H v: see DifferenceHessian and AnyExactModel. Its loss, and
///           with it the protocol's batches and step, is the caller's; the seed is that of the
///           vectors.
/// Limits    `parameters` counts all of them, embeddings included; gaps take no part.
template <class Hessian>
Curvature measure_curvature(const ParameterTable& table, Hessian&& hessian,
                            const CurvatureProtocol& protocol = {}) {
  protocol.validate();
  Curvature result;
  result.parameters = table.count();
  ParameterVector v;
  draw_normal(table, Rng(protocol.seed, 1), v);
  result.top = top_eigenvalue(hessian, v, protocol.iterations, protocol.tolerance);
  result.trace =
      estimate_trace(hessian, v.size(), protocol.probes, [&](Index probe, ParameterVector& z) {
        const auto stream = static_cast<std::uint64_t>(probe) + 2;
        draw_signs(table, Rng(protocol.seed, stream), z);
      });
  return result;
}

/// Measures the loss of a trainer on crops of a text, products by differences of its gradients.
///
/// Contract  the trainer is allocated for training; its parameters come back to the bit, its
///           gradients are cleared.
/// Errors    a text that is shorter than a crop; numbers out of range; as MovedParameters.
inline Curvature measure_curvature(AnyTrainer& trainer, TokenView text,
                                   const CurvatureProtocol& protocol = {}) {
  protocol.validate();
  const TokenBatches batches = draw_batches(trainer.options(), text, protocol);
  return measure_curvature(trainer.parameters(), DifferenceHessian(trainer, batches, protocol.step),
                           protocol);
}

/// The same of a model in dual numbers, products exact, on the same crops if the sizes are the
/// trainer's options.
///
/// Contract  the model has been given parameters.
inline Curvature measure_curvature(AnyExactModel& exact, const TrainerOptions& sizes,
                                   TokenView text, const CurvatureProtocol& protocol = {}) {
  protocol.validate();
  const TokenBatches batches = draw_batches(sizes, text, protocol);
  return measure_curvature(exact.parameters(), exact.hessian(batches), protocol);
}

OPTIFORM_NAMESPACE_END
