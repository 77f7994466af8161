// SPDX-License-Identifier: MIT
#include <algorithm>

#include <optiform/depth/coefficients.hpp>
#include <optiform/depth/folding_rules.hpp>
#include <optiform/io/rule_names.hpp>
#include <optiform/rules/recording.hpp>

#include "../study/second_embedding.hpp"
#include "weights.hpp"

using namespace optiform;

namespace {

/// What makes a rule's network another one.
struct Variant {
  bool zero_start = false, biases = false;
};

template <class R>
constexpr KnownRule known(std::string_view name, std::string_view named_like = "",
                          Variant variant = {}) {
  return {name, named_like.empty() ? name : named_like, recording<R>, !variant.zero_start,
          variant.biases};
}
template <class R>
constexpr KnownRule left_of(std::string_view name) {
  return known<typename RuleFolding<R>::type>(name);
}

/// Of those that names of layers do not tell apart, the first comes first.
constexpr KnownRule known_rules[] = {
    known<SecondEmbedding>("second-embedding", "vanilla"),
    known<GradientDescent>("vanilla"),
    known<GradientDescent>("gpt2", "vanilla", {.biases = true}),
    known<HeavyBall>("heavy-ball"),
    known<Nesterov>("nesterov"),
    known<TripleMomentum>("tmm"),
    known<TripleMomentum>("tmm-zero-start", "tmm", {.zero_start = true}),
    known<RmsProp>("rmsprop"),
    known<Adam>("adam"),
    known<AdamW>("adamw"),
    known<Ortho>("ortho"),
    known<Muon>("muon"),
    known<Shampoo>("shampoo"),
    known<Soap>("soap"),
    left_of<TripleMomentum>("momentum (folded)"),
    known<FoldedMomentum>("momentum (folded)", "", {.zero_start = true}),
    left_of<HeavyBall>("heavy-ball (folded)"),
    left_of<RmsProp>("rmsprop (folded)"),
    left_of<Adam>("adam (folded)"),
    left_of<AdamW>("adamw (folded)"),
    left_of<Ortho>("ortho (folded)"),
    left_of<Muon>("muon (folded)"),
    left_of<Shampoo>("shampoo (folded)"),
    left_of<Soap>("soap (folded)"),
};

/// Names of the tables, besides tokens and positions, in which streams start.
std::vector<std::string> stream_prefixes(const KnownRule& known) {
  std::vector<std::string> prefixes;
  for (short s = 0; known.learned_start && s < known.rule.streams; ++s) {
    const StreamInfo& stream = known.rule.stream[s];
    if (stream.init == Init::learned)
      prefixes.emplace_back(stream.names.prefix != nullptr ? stream.names.prefix : stream.name);
  }
  return prefixes;
}

/// Whether there is a table of a stream, or the rule has none.
bool has_its_start(const KnownRule& known, const ParameterTable& table) {
  const std::vector<std::string> prefixes = stream_prefixes(known);
  return prefixes.empty() ||
         std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
           return table.find(prefix + "_tok_emb.weight") != nullptr ||
                  table.find(prefix + "_pos_emb.weight") != nullptr;
         });
}

/// What follows one oracle's answer, and the norm before the oracle.
void add_step(ParameterTable& table, const KnownRule& known, const std::string& prefix,
              const std::string& oracle, Index width) {
  const auto add_norm = [&](const std::string& name) {
    table.add(name + ".weight", Role::norm, {width}, {});
    if (known.biases) table.add(name + ".bias", Role::norm, {width}, {});
  };
  add_norm(message(prefix, "ln_", oracle));
  for (int n = 0; n < known.rule.norms; ++n)
    add_norm(
        message(prefix, known.rule.norm_name[n], n == 0 ? "" : std::to_string(n + 1), "_", oracle));
  for (short c = 0; c < known.rule.coefficients; ++c) {
    const CoefficientInfo& info = known.rule.coefficient[c];
    std::vector<Index> shape;
    if (info.extent == Extent::one) shape = {1};
    if (is_learned(info))
      table.add(message(prefix, info.name, "_", oracle, "_raw"), Role::scalar, shape, {});
  }
}

}  // namespace

const KnownRule* find_rule(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(known_rules), std::end(known_rules),
                   [&](const KnownRule& known) { return known.name == name; });
  return found == std::end(known_rules) ? nullptr : found;
}

const KnownRule* find_rule(const Weights& weights) {
  const std::string_view name = rule_of(weights.table.entries());
  const KnownRule* first = nullptr;
  for (const KnownRule& known : known_rules) {
    if (known.named_like != name || known.biases != weights.biases()) continue;
    if (has_its_start(known, weights.table)) return &known;
    if (first == nullptr) first = &known;
  }
  return first;
}

ParameterTable expected_table(const KnownRule& known, const Weights& sizes) {
  const Index width = sizes.width(), hidden = sizes.hidden(), layers = sizes.layers();
  ParameterTable table;
  const auto add_tables = [&](const std::string& prefix) {
    for (const std::string name : {"tok_emb.weight", "pos_emb.weight"})
      table.add(prefix + name, Role::embedding, {sizes.rows(name), width}, {});
  };
  const auto add_projection = [&](const std::string& name, Index out, Index in) {
    table.add(name + ".weight", Role::matrix, {out, in}, {});
    if (known.biases) table.add(name + ".bias", Role::norm, {out}, {});
  };
  add_tables("");
  for (const std::string& prefix : stream_prefixes(known)) add_tables(prefix + "_");
  for (Index layer = 0; layer < layers; ++layer) {
    const std::string prefix = message("layers.", layer, ".");
    for (const char* oracle : {"attn", "mlp"}) add_step(table, known, prefix, oracle, width);
    add_projection(prefix + "attn.qkv_proj", 3 * width, width);
    add_projection(prefix + "attn.out_proj", width, width);
    add_projection(prefix + "mlp.w1", hidden, width);
    add_projection(prefix + "mlp.w2", width, hidden);
  }
  table.add("final_ln.weight", Role::norm, {width}, {});
  if (known.biases) table.add("final_ln.bias", Role::norm, {width}, {});
  return table;
}
