// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include <optiform/depth/parameters.hpp>
#include <optiform/training/any_trainer.hpp>
#include <optiform/weights/sharpness_aware.hpp>

#include "optimizers.hpp"
#include "presets.hpp"

/// The presets and rules that this program was compiled with.
std::span<const Preset> compiled_presets();
struct RuleEntry;
std::span<const RuleEntry> compiled_rules();

/// The preset of that name. Throws optiform::Error if there is none.
const Preset& preset_named(const std::string& name);

/// The numbers that a model's type leaves open.
struct ModelNumbers {
  optiform::ModelShape shape;
  optiform::Index layers, vocabulary, context;
  WeightTrainer optimizer;
  optiform::Sharpness sharpness;
  optiform::Recompute recompute;
  optiform::TrainerOptions trainer;
};

using TrainerPointer = std::unique_ptr<optiform::AnyTrainer>;

// Two translation units per rule, so that each compiles in seconds and in parallel.
TrainerPointer make_vanilla(const ModelNumbers&);
TrainerPointer make_large_vanilla(const ModelNumbers&);
TrainerPointer make_gpt2(const ModelNumbers&);
TrainerPointer make_large_gpt2(const ModelNumbers&);
TrainerPointer make_heavy_ball(const ModelNumbers&);
TrainerPointer make_large_heavy_ball(const ModelNumbers&);
TrainerPointer make_nesterov(const ModelNumbers&);
TrainerPointer make_large_nesterov(const ModelNumbers&);
TrainerPointer make_tmm(const ModelNumbers&);
TrainerPointer make_large_tmm(const ModelNumbers&);
TrainerPointer make_adam(const ModelNumbers&);
TrainerPointer make_large_adam(const ModelNumbers&);
TrainerPointer make_adamw(const ModelNumbers&);
TrainerPointer make_large_adamw(const ModelNumbers&);
TrainerPointer make_rmsprop(const ModelNumbers&);
TrainerPointer make_large_rmsprop(const ModelNumbers&);
TrainerPointer make_muon(const ModelNumbers&);
TrainerPointer make_large_muon(const ModelNumbers&);
TrainerPointer make_ortho(const ModelNumbers&);
TrainerPointer make_large_ortho(const ModelNumbers&);
TrainerPointer make_soap(const ModelNumbers&);
TrainerPointer make_large_soap(const ModelNumbers&);
TrainerPointer make_shampoo(const ModelNumbers&);
TrainerPointer make_large_shampoo(const ModelNumbers&);

struct RuleEntry {
  std::string_view name;
  TrainerPointer (*make)(const ModelNumbers&);
};

inline constexpr RuleEntry rules[] = {
    {"vanilla", make_vanilla},   {"heavy-ball", make_heavy_ball},
    {"nesterov", make_nesterov}, {"tmm", make_tmm},
    {"adam", make_adam},         {"adamw", make_adamw},
    {"rmsprop", make_rmsprop},   {"muon", make_muon},
    {"ortho", make_ortho},       {"soap", make_soap},
    {"shampoo", make_shampoo},   {"gpt2", make_gpt2},
};

/// The numbers of resolved options. Throws optiform::Error for impossible ones.
ModelNumbers model_numbers(const Options& options);

/// The model that they describe, by the rule's name. Throws optiform::Error if there is none.
TrainerPointer make_trainer(const std::string& rule, const ModelNumbers& numbers);

/// The model that resolved options describe. Throws optiform::Error for impossible numbers.
TrainerPointer make_trainer(const Options& options);
