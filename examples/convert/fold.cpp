// SPDX-License-Identifier: MIT
// Folding needs types: those of pretrain's rules and shapes, on no backend, for nothing runs.
#include <iterator>

#include <optiform/depth/folding.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>

#include "../pretrain/models.hpp"
#include "weights.hpp"

using namespace optiform;

namespace {

/// The weights in the order of a model's own table.
Buffer<double> values_of(const Weights& weights, const ParameterTable& table) {
  Buffer<double> values(table.total());
  for (const ParameterInfo& entry : table.entries()) {
    const ParameterInfo* const from = weights.table.find(entry.name);
    if (from == nullptr) fail("the weights lack the tensor ", in_quotes(entry.name));
    if (from->shape != entry.shape)
      fail("tensor ", in_quotes(entry.name), " has shape ", to_string(from->shape), ", expected ",
           to_string(entry.shape));
    std::copy_n(weights.values.data() + from->offset, entry.size, values.data() + entry.offset);
  }
  if (table.entries().size() != weights.table.entries().size())
    fail("the weights hold ", weights.table.entries().size(), " tensors, expected ",
         table.entries().size());
  return values;
}

template <class Rule, std::size_t P = 0>
Weights fold_as(const Weights& weights, const LanguageModelOptions& options) {
  const Index width = weights.table.find("tok_emb.weight")->shape.at(1);
  if constexpr (P == std::size(presets)) {
    fail("the width is ", width, "; expected that of tiny, novels, small or gpt2-small to fold");
  } else {
    if (presets[P].shape.width != width) return fold_as<Rule, P + 1>(weights, options);
    using Network =
        LanguageModel<presets[P].shape, Stack<TransformerLayer<Rule, CausalAttention, Mlp<Gelu>>>>;
    const typename Network::template on<archetype::OracleBackend, double> model(options);
    const Buffer<double> values = values_of(weights, model.parameters());
    auto result = fold(model, values.data());
    return {result.model.parameters(), std::move(result.values), weights.dtype};
  }
}

}  // namespace

Weights folded(const Weights& weights) {
  Index layers = 0;
  while (weights.table.find(message("layers.", layers, ".mlp.w1.weight")) != nullptr) ++layers;
  const LanguageModelOptions options{.vocabulary = weights.rows("tok_emb.weight"),
                                     .context = weights.rows("pos_emb.weight"),
                                     .layers = {layers}};
  const std::string rule = weights.rule();
  if (rule == "heavy-ball") return fold_as<HeavyBall>(weights, options);
  if (rule == "nesterov") return fold_as<Nesterov>(weights, options);
  if (rule == "tmm") return fold_as<TripleMomentum>(weights, options);
  if (rule == "rmsprop") return fold_as<RmsProp>(weights, options);
  if (rule == "adam") return fold_as<Adam>(weights, options);
  if (rule == "adamw") return fold_as<AdamW>(weights, options);
  if (rule == "ortho") return fold_as<Ortho>(weights, options);
  if (rule == "muon") return fold_as<Muon>(weights, options);
  if (rule == "shampoo") return fold_as<Shampoo>(weights, options);
  if (rule == "soap") return fold_as<Soap>(weights, options);
  fail("rule ", in_quotes(rule),
       " has no scales to fold; expected heavy-ball, nesterov, tmm, rmsprop, adam, adamw, ortho, "
       "muon, shampoo or soap");
}
