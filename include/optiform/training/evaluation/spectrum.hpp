// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <optiform/core/jacobi.hpp>
#include <optiform/training/evaluation/curvature.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Eigenvalues of a small symmetric matrix, falling. Shapes  a [n, n].
inline std::vector<double> symmetric_eigenvalues(std::vector<double> a, Index n) {
  diagonalise(n, a.data());
  std::vector<double> values;
  for (Index i = 0; i < n; ++i) values.push_back(a[static_cast<std::size_t>(i * n + i)]);
  std::sort(values.rbegin(), values.rend());
  return values;
}

/// How the singular values of a Jacobian are measured: of any square map by measure_spectrum, of a
/// model's layers over batches of crops by measure_spectra.
///
/// Source    arXiv 2605.24425: 8 batches of 2 crops of 1,024 tokens.
struct SpectrumProtocol {
  Index batches = 8;              ///< of crops, over which a model's spectra are averaged
  Index power_iterations = 20;    ///< on J^T J, for the largest singular value
  Index rank = 64;                ///< largest singular values to be found
  Index oversampling = 10;        ///< random directions beside those
  Index subspace_iterations = 1;  ///< passes through J J^T: a flat spectrum needs them
  Index probes = 8;               ///< of the squared Frobenius norm
  std::uint64_t seed = 0;         ///< of the crops; random vectors are its streams

  void validate() const {
    if (power_iterations < 1)
      fail("power iterations is ", power_iterations, "; expected at least 1");
    if (rank < 1) fail("rank is ", rank, "; expected at least 1");
    if (oversampling < 0 || subspace_iterations < 0)
      fail("oversampling and subspace iterations are ", oversampling, " and ", subspace_iterations,
           "; expected 0 or more");
    if (probes < 1) fail("probes is ", probes, "; expected at least 1");
  }
};

/// Singular values of a linear map, the largest ones.
struct Spectrum {
  double largest = 0;                   ///< by the power method
  double squared_norm = 0;              ///< Frobenius: the sum of all squared singular values
  std::vector<double> singular_values;  ///< falling; `rank` of them, or all

  /// How many directions carry the map: 1 to the smaller of its sizes.
  double stable_rank() const { return squared_norm / (largest * largest); }
  /// Of the part that was found.
  double condition() const { return singular_values.front() / least(); }
  /// The last one that was found.
  double least() const { return singular_values.back(); }
};

namespace detail {

/// Makes rows orthonormal, twice over, so that rounding does not matter; a row that depends on
/// those before it becomes zero.
inline void orthonormalise(std::vector<std::vector<double>>& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double before = norm(rows[i]);
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t j = 0; j < i; ++j) {
        const double along = dot(rows[i], rows[j]);
        for (std::size_t k = 0; k < rows[i].size(); ++k) rows[i][k] -= along * rows[j][k];
      }
    const double length = norm(rows[i]);
    for (double& number : rows[i]) number = length > 1e-13 * before ? number / length : 0;
  }
}

}  // namespace detail

/// Measures a square linear map known by its products: map.size(), map.product(v, jv),
/// map.transposed_product(w, jtw). The map is one whatever the protocol's batches are.
///
/// Limits    memory: rank + oversampling vectors.
/// Source    Halko, Martinsson, Tropp, "Finding structure with randomness", SIAM Review 53, 2011.
template <class Map>
Spectrum measure_spectrum(Map& map, const SpectrumProtocol& protocol = {}) {
  protocol.validate();
  const auto n = static_cast<std::size_t>(map.size());
  const auto draw = [&](std::uint64_t stream, bool signs) {
    Rng rng(protocol.seed, stream);
    std::vector<double> v(n);
    for (double& number : v) number = !signs ? rng.normal() : (rng.bits() & 1u) != 0 ? 1 : -1;
    return v;
  };
  Spectrum result;
  std::vector<double> image(n), start = draw(1, false);
  const auto gram = [&](const std::vector<double>& v, std::vector<double>& out) {
    map.product(v.data(), image.data());
    map.transposed_product(image.data(), out.data());
  };
  result.largest = std::sqrt(top_eigenvalue(gram, start, protocol.power_iterations, 0).value);

  for (Index probe = 0; probe < protocol.probes; ++probe) {
    const auto z = draw(2 + static_cast<std::uint64_t>(probe), true);
    map.product(z.data(), image.data());
    result.squared_norm += dot(image, image) / static_cast<double>(protocol.probes);
  }

  const Index wanted = std::min(protocol.rank, map.size());
  const Index vectors = std::min(wanted + protocol.oversampling, map.size());
  std::vector<std::vector<double>> rows;
  const auto apply = [&](bool transposed) {
    for (auto& row : rows) {
      transposed ? map.transposed_product(row.data(), image.data())
                 : map.product(row.data(), image.data());
      row = image;
    }
  };
  const std::uint64_t first = 2 + static_cast<std::uint64_t>(protocol.probes);
  for (Index i = 0; i < vectors; ++i)
    rows.push_back(draw(first + static_cast<std::uint64_t>(i), false));
  for (Index pass = 0; pass <= protocol.subspace_iterations; ++pass) {
    apply(false);
    detail::orthonormalise(rows);
    apply(true);
    if (pass < protocol.subspace_iterations) detail::orthonormalise(rows);
  }
  std::vector<double> products;
  for (const auto& a : rows)
    for (const auto& b : rows) products.push_back(dot(a, b));
  for (const double square : symmetric_eigenvalues(std::move(products), vectors))
    if (static_cast<Index>(result.singular_values.size()) < wanted)
      result.singular_values.push_back(std::sqrt(std::fmax(0.0, square)));
  return result;
}

OPTIFORM_NAMESPACE_END
