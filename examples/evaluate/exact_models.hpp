// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <optiform/training/evaluation/exact_model.hpp>

#include "../pretrain/models.hpp"

using ExactPointer = std::unique_ptr<optiform::AnyExactModel>;

struct ExactEntry {
  std::string_view rule;
  ExactPointer (*make)(const ModelNumbers&);
};

/// The rules whose models this program was compiled with in dual numbers, in the shapes of
/// pretrain.
std::span<const ExactEntry> compiled_exact_models();

/// Throws optiform::Error for a rule or a shape that has no model in dual numbers.
void require_exact(const std::string& rule, const optiform::ModelShape& shape);

/// The run's model in dual numbers, where require_exact finds nothing wrong.
ExactPointer make_exact(const std::string& rule, const ModelNumbers& numbers);
