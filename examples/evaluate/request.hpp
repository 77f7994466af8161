// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <optiform/training/evaluation/curvature.hpp>
#include <optiform/training/evaluation/forgetting.hpp>
#include <optiform/training/evaluation/loss_slice.hpp>
#include <optiform/training/evaluation/perplexity.hpp>
#include <optiform/training/evaluation/spectrum.hpp>

/// What is to be measured of a run, and how.
struct Request {
  std::string run;
  std::string data;                  ///< text to measure on; empty: the run's validation text
  std::vector<std::string> corpora;  ///< NAME=FILE
  std::string forgetting;            ///< text to fine-tune on
  std::vector<std::string> hybrids;  ///< "0-5", "0,11", "none"
  bool sharpness = false, exact = false, slice = false, jacobian = false;
  bool entropy = false, scalars = false;

  optiform::Index batch = 8, length = 0;  ///< of crops; 0: the run's
  optiform::PerplexityProtocol perplexity;
  optiform::CurvatureProtocol curvature;
  optiform::Index curvature_batch = 0;  ///< 0: as many crops as make the paper's 2,048 tokens
  optiform::SliceProtocol line;
  optiform::ForgettingProtocol tuning;
  optiform::Index tuning_sequences = 480;
  optiform::SpectrumProtocol spectrum;
  optiform::Index spectrum_batch = 2;
  int threads = 0;

  std::string csv;   ///< folder for tables
  std::string plot;  ///< picture of the slice
};
