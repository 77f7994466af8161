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

namespace {

optiform::Recompute recompute_named(const std::string& name) {
  using optiform::Recompute;
  if (name == "nothing") return Recompute::nothing;
  if (name == "activations") return Recompute::activations;
  if (name == "layers") return Recompute::layers;
  fail("recompute ", in_quotes(name), " is unknown; expected nothing, activations or layers");
}

}  // namespace

ModelNumbers model_numbers(const Options& options) {
  if (!(options.weight_decay >= 0))
    fail("weight decay is ", options.weight_decay, "; expected 0 or more");
  if (options.optimizer != "adamw" && options.optimizer != "muon")
    fail("optimizer ", in_quotes(options.optimizer), " is unknown; expected adamw or muon");
  if (!(options.muon_rate >= 0)) fail("muon rate is ", options.muon_rate, "; expected 0 or more");
  if (!(options.learning_rate > 0))
    fail("learning rate is ", options.learning_rate, "; expected a positive number");
  return {.shape = preset_named(options.shape).shape,
          .layers = options.layers,
          .vocabulary = options.vocabulary,
          .context = options.context,
          .muon = options.optimizer == "muon",
          .muon_rate = options.muon_rate / options.learning_rate,
          .weight_decay = options.weight_decay,
          .decay_everything = false,
          .recompute = recompute_named(options.recompute),
          .trainer = {.batch = options.batch,
                      .length = options.length,
                      .accumulate = options.accumulate,
                      .clip = options.clip,
                      .average = options.ema,
                      .seed = options.seed,
                      .threads = options.threads}};
}

TrainerPointer make_trainer(const std::string& name, const ModelNumbers& numbers) {
  for (const RuleEntry& rule : rules)
    if (rule.name == name) return rule.make(numbers);
  fail("rule ", in_quotes(name),
       " is unknown; expected vanilla, heavy-ball, nesterov, tmm, adam, adamw, rmsprop or gpt2");
}

TrainerPointer make_trainer(const Options& options) {
  return make_trainer(options.rule, model_numbers(options));
}
