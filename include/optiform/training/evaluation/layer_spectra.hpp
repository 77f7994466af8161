// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <optiform/training/evaluation/exact_model.hpp>
#include <optiform/training/evaluation/spectrum.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What one layer does to small changes of its input; means over batches.
struct LayerSpectra {
  Index layer = 0;
  std::vector<Spectrum> batches;

  double largest() const {
    return mean([](const Spectrum& s) { return s.largest; });
  }
  double stable_rank() const {
    return mean([](const Spectrum& s) { return s.stable_rank(); });
  }
  double condition() const {
    return mean([](const Spectrum& s) { return s.condition(); });
  }
  /// Natural logarithm of the last singular value that was found.
  double log_least() const {
    return mean([](const Spectrum& s) { return std::log(s.least()); });
  }

 private:
  template <class Number>
  double mean(Number&& number) const {
    double sum = 0;
    for (const Spectrum& spectrum : batches) sum += number(spectrum);
    return sum / static_cast<double>(batches.size());
  }
};

/// The same of every layer of a model.
///
/// Source    the four numbers that arXiv 2605.24425 ranks against validation losses.
struct ModelSpectra {
  std::vector<LayerSpectra> layers;

  double mean_condition() const { return sum(&LayerSpectra::condition) / count(); }
  double mean_stable_rank() const { return sum(&LayerSpectra::stable_rank) / count(); }
  double sum_log_least() const { return sum(&LayerSpectra::log_least); }
  double largest_condition() const {
    double most = 0;
    for (const LayerSpectra& layer : layers) most = std::max(most, layer.condition());
    return most;
  }

 private:
  double sum(double (LayerSpectra::*number)() const) const {
    double all = 0;
    for (const LayerSpectra& layer : layers) all += (layer.*number)();
    return all;
  }
  double count() const { return static_cast<double>(layers.size()); }
};

/// Measures the Jacobian of a part of every layer at the states of crops of a text.
///
/// Shapes    batch and length of a crop are those of the sizes; a Jacobian is [n, n] with
///           n = batch * length * width.
/// Contract  the model has been given parameters.
/// Errors    a text that is shorter than a crop; numbers out of range.
inline ModelSpectra measure_spectra(AnyExactModel& exact, const TrainerOptions& sizes,
                                    TokenView text, LayerPart part,
                                    const SpectrumProtocol& protocol = {}) {
  protocol.validate();
  ModelSpectra spectra;
  for (Index layer = 0; layer < exact.layers(); ++layer) spectra.layers.push_back({layer, {}});
  const TokenBatches crops = draw_batches(sizes, text, protocol);
  crops.each([&](const std::int32_t* tokens, const std::int32_t*) {
    exact.run(crops.batch, crops.length, tokens);
    for (LayerSpectra& of : spectra.layers) {
      exact.select(of.layer, part);
      of.batches.push_back(measure_spectrum(exact, protocol));
    }
  });
  return spectra;
}

OPTIFORM_NAMESPACE_END
