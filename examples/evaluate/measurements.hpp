// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "report.hpp"
#include "request.hpp"
#include "trained_run.hpp"

/// Everything a measurement looks at.
struct Subject {
  const TrainedRun& run;
  const Request& request;
  const Report& report;
  std::span<const std::int32_t> text;  ///< to measure on
  optiform::Index length;              ///< of a crop
};

// Each prints its lines; see docs/evaluation.md for what they mean. All throw optiform::Error.
void measure_perplexities(const Subject&);
void measure_hybrids(const Subject&);
void measure_hessian(const Subject&);
void measure_slice(const Subject&);
void measure_tuning(const Subject&);
void measure_jacobians(const Subject&);
void measure_entropy(const Subject&);
void print_scalars(const Subject&);

/// "0-5,11", or "none", as layers of a model that has so many.
optiform::LayerChoice read_layers(const std::string& text, optiform::Index layers);

/// Draws the slice; an error where gnuplot is missing.
void draw_slice(const std::vector<optiform::SlicePoint>& slice, const std::string& title,
                const std::string& out);
