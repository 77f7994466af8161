// SPDX-License-Identifier: MIT
#include "models.hpp"

#include <optiform/io/file.hpp>

using optiform::fail;
using optiform::in_quotes;

const Preset& preset_named(const std::string& name) {
  for (const Preset& preset : presets)
    if (preset.name == name) return preset;
  fail("shape ", in_quotes(name), " is unknown; expected tiny, novels, small or gpt2-small");
}

TrainerPointer make_trainer(const Options& options) {
  if (!(options.weight_decay >= 0))
    fail("weight decay is ", options.weight_decay, "; expected 0 or more");
  const ModelNumbers numbers{.shape = preset_named(options.shape).shape,
                             .layers = options.layers,
                             .vocabulary = options.vocabulary,
                             .context = options.context,
                             .weight_decay = options.weight_decay,
                             .trainer = {.batch = options.batch,
                                         .length = options.length,
                                         .accumulate = options.accumulate,
                                         .clip = options.clip,
                                         .seed = options.seed,
                                         .threads = options.threads}};
  for (const RuleEntry& rule : rules)
    if (rule.name == options.rule) return rule.make(numbers);
  fail("rule ", in_quotes(options.rule),
       " is unknown; expected vanilla, heavy-ball, nesterov, tmm, adam, adamw or rmsprop");
}
