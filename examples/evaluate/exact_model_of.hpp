// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/cpu/dual_cpu.hpp>

#include "../pretrain/family.hpp"
#include "exact_rules.hpp"

static_assert(std::size(presets) == 4, "the files exact_*_large.cpp hold the presets 2 and 3");

/// The model of a rule in the numbers' shape, in dual numbers. The presets from `First` to `Last`
/// are compiled here; null if that shape is none of them.
template <class Rule, int First = 0, int Last = static_cast<int>(std::size(presets)) - 1>
ExactPointer make_exact_model(const ModelNumbers& numbers) {
  using namespace optiform;
  if constexpr (First > Last) {
    return nullptr;
  } else {
    constexpr ModelShape shape = presets[First].shape;
    if (numbers.shape != shape) return make_exact_model<Rule, First + 1, Last>(numbers);
    using Model = typename Family<Rule>::template Network<shape>;
    return std::make_unique<typename ExactModel<Model>::template on<DualCpu>>(
        LanguageModelOptions{.vocabulary = numbers.vocabulary,
                             .context = numbers.context,
                             .layers = {numbers.layers}},
        numbers.trainer.threads);
  }
}
