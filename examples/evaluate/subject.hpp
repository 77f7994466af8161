// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "report.hpp"
#include "request.hpp"
#include "trained_run.hpp"

/// A text to measure on, under the name of its lines.
struct NamedText {
  std::string name;
  std::vector<std::int32_t> tokens;
};

/// A request that nothing speaks against, and everything its measurements look at.
class Subject {
 public:
  /// Reads the texts and checks every option, so that none is refused after minutes of measuring.
  /// Throws optiform::Error.
  Subject(const Request& request, const TrainedRun& run, const Report& report);

  const Request& request;
  const TrainedRun& run;
  const Report& report;
  optiform::Index length;                      ///< of a crop
  std::vector<std::int32_t> text;              ///< to measure on
  std::vector<NamedText> corpora;              ///< more of those
  std::vector<optiform::LayerChoice> hybrids;  ///< as the request orders them
  std::vector<std::int32_t> tuning;            ///< to fine-tune on

  /// The end of that text, which is measured and never trained on.
  std::span<const std::int32_t> tuning_end() const {
    return std::span(tuning).last(tuning.size() / 20);
  }
  std::span<const std::int32_t> tuning_start() const {
    return std::span(tuning).first(tuning.size() - tuning.size() / 20);
  }
  /// Crops of each batch that curvature is measured on.
  optiform::Index curvature_batch() const;

 private:
  void check_numbers() const;
  void read_texts();
  void require_crops(std::span<const std::int32_t> tokens, const std::string& what) const;
};
