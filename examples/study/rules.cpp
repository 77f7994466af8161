// SPDX-License-Identifier: MIT
#include "../evaluate/exact_models.hpp"
#include "presets.hpp"

// One translation unit each. A new rule is a file like model_tmm.cpp and two lines here.
TrainerPointer study_vanilla(const ModelNumbers&);
TrainerPointer study_heavy_ball(const ModelNumbers&);
TrainerPointer study_nesterov(const ModelNumbers&);
TrainerPointer study_tmm(const ModelNumbers&);
TrainerPointer study_rms_prop(const ModelNumbers&);
TrainerPointer study_adam(const ModelNumbers&);
TrainerPointer study_adamw(const ModelNumbers&);
TrainerPointer study_muon(const ModelNumbers&);
TrainerPointer study_ortho(const ModelNumbers&);
TrainerPointer study_soap(const ModelNumbers&);
TrainerPointer study_shampoo(const ModelNumbers&);
TrainerPointer study_tmm_zero_start(const ModelNumbers&);
TrainerPointer study_second_embedding(const ModelNumbers&);

std::span<const RuleEntry> compiled_rules() {
  static constexpr RuleEntry rules[] = {
      {"vanilla", study_vanilla},
      {"heavy-ball", study_heavy_ball},
      {"nesterov", study_nesterov},
      {"tmm", study_tmm},
      {"rmsprop", study_rms_prop},
      {"adam", study_adam},
      {"adamw", study_adamw},
      {"muon", study_muon},
      {"ortho", study_ortho},
      {"soap", study_soap},
      {"shampoo", study_shampoo},
      {"tmm-zero-start", study_tmm_zero_start},
      {"second-embedding", study_second_embedding},
  };
  return rules;
}

std::span<const Preset> compiled_presets() { return study_presets; }

// Curvature is measured by differences.
std::span<const ExactEntry> compiled_exact_models() { return {}; }
