// SPDX-License-Identifier: MIT
#include "models.hpp"

#include <cmath>

#include <optiform/io/file.hpp>

using optiform::fail;
using optiform::in_quotes;

namespace {

/// The names in a table, as a sentence ends with them.
template <class Entry>
std::string names_of(std::span<const Entry> entries) {
  std::string names;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) names += i + 1 < entries.size() ? ", " : " or ";
    names += entries[i].name;
  }
  return names;
}

/// The name of a shape among those compiled.
std::string shape_name(const optiform::ModelShape& shape) {
  for (const Preset& preset : compiled_presets())
    if (preset.shape == shape) return in_quotes(std::string(preset.name));
  return "of another program";
}

}  // namespace

const Preset& preset_named(const std::string& name) {
  for (const Preset& preset : compiled_presets())
    if (preset.name == name) return preset;
  fail("shape ", in_quotes(name), " is unknown; expected ", names_of(compiled_presets()));
}

namespace {

optiform::Recompute recompute_named(const std::string& name) {
  using optiform::Recompute;
  if (name == "nothing") return Recompute::nothing;
  if (name == "activations") return Recompute::activations;
  if (name == "layers") return Recompute::layers;
  fail("recompute ", in_quotes(name), " is unknown; expected nothing, activations or layers");
}

optiform::Sharpness sharpness_of(const Options& options) {
  if (!(options.sam >= 0) || !std::isfinite(options.sam))
    fail("sam is ", options.sam, "; expected 0 (off) or a positive radius");
  if (options.sam_from < 0) fail("sam-from is ", options.sam_from, "; expected 0 or more");
  return {options.sam, options.sam_from};
}

}  // namespace

ModelNumbers model_numbers(const Options& options) {
  if (!(options.learning_rate > 0))
    fail("learning rate is ", options.learning_rate, "; expected a positive number");
  return {.shape = preset_named(options.shape).shape,
          .layers = options.layers,
          .vocabulary = options.vocabulary,
          .context = options.context,
          .optimizer = choose_optimizer(options),
          .sharpness = sharpness_of(options),
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
  for (const RuleEntry& rule : compiled_rules())
    if (rule.name == name) {
      TrainerPointer made = rule.make(numbers);
      if (made == nullptr)
        fail("rule ", in_quotes(name), " was not compiled for shape ", shape_name(numbers.shape));
      return made;
    }
  fail("rule ", in_quotes(name), " is unknown; expected ", names_of(compiled_rules()));
}

TrainerPointer make_trainer(const Options& options) {
  return make_trainer(options.rule, model_numbers(options));
}
