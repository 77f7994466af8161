// SPDX-License-Identifier: MIT
#pragma once

#include "exact_models.hpp"

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
