// SPDX-License-Identifier: MIT
#pragma once

#include "../pretrain/presets.hpp"

/// Heads of 16, so that the covariance of a head is a small matrix; and a wider model with about as
/// many parameters as one of the first shape with a second stream of tables.
inline constexpr Preset study_presets[] = {
    {"study", {.width = 192, .heads = 12, .hidden = 768}, 4, 128, 128, 8, 4096, "bpe"},
    {"study-wide", {.width = 224, .heads = 14, .hidden = 896}, 4, 128, 128, 8, 4096, "bpe"},
};
