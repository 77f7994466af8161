// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <optiform/training/evaluation/exact_model.hpp>

#include "../pretrain/models.hpp"

using ExactPointer = std::unique_ptr<optiform::AnyExactModel>;

// One translation unit per rule, two for those of matrices, so that each compiles in seconds.
ExactPointer make_exact_vanilla(const ModelNumbers&);
ExactPointer make_exact_heavy_ball(const ModelNumbers&);
ExactPointer make_exact_nesterov(const ModelNumbers&);
ExactPointer make_exact_tmm(const ModelNumbers&);
ExactPointer make_exact_adam(const ModelNumbers&);
ExactPointer make_exact_adamw(const ModelNumbers&);
ExactPointer make_exact_rmsprop(const ModelNumbers&);
ExactPointer make_exact_muon(const ModelNumbers&);
ExactPointer make_large_exact_muon(const ModelNumbers&);
ExactPointer make_exact_ortho(const ModelNumbers&);
ExactPointer make_large_exact_ortho(const ModelNumbers&);
ExactPointer make_exact_soap(const ModelNumbers&);
ExactPointer make_large_exact_soap(const ModelNumbers&);
ExactPointer make_exact_shampoo(const ModelNumbers&);
ExactPointer make_large_exact_shampoo(const ModelNumbers&);
ExactPointer make_exact_gpt2(const ModelNumbers&);

/// Throws optiform::Error for a rule or a shape that has no model in dual numbers.
void require_exact(const std::string& rule, const optiform::ModelShape& shape);

/// The run's model in dual numbers, where require_exact finds nothing wrong.
ExactPointer make_exact(const std::string& rule, const ModelNumbers& numbers);
