// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/cpu/backend.hpp>
#include <optiform/training/chosen_optimizer.hpp>

#include "options.hpp"

using WeightTrainer = optiform::OptimizerChoice<optiform::Cpu, float>;

/// The optimizer that options name, with its numbers. Throws optiform::Error.
WeightTrainer choose_optimizer(const Options& options);

/// The same of those for matrices beside AdamW for the rest: muon, soap and shampoo.
WeightTrainer choose_matrix_optimizer(const Options& options);

/// One AdamW for all tensors, all of which decay.
WeightTrainer one_adamw(double weight_decay);
