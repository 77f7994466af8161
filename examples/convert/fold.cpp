// SPDX-License-Identifier: MIT
// Folds by the names of tensors, so that a model of any size will do. `fold` of
// <optiform/depth/folding.hpp> does the same to a model that is a type.
#include <algorithm>
#include <iterator>
#include <set>

#include <optiform/depth/coefficients.hpp>
#include <optiform/depth/folding_rules.hpp>
#include <optiform/io/file.hpp>
#include <optiform/io/rule_names.hpp>
#include <optiform/rules/recording.hpp>

#include "weights.hpp"

using namespace optiform;

namespace {

/// A rule and what is left of it.
struct Foldable {
  std::string_view name;
  const Recording &rule, &left;
  StepScales (*fold)(const CoefficientValues& was, Norm norm, double& unit, CoefficientValues& is);
};

template <class R>
constexpr Foldable foldable(std::string_view name) {
  return {name, recording<R>, recording<typename RuleFolding<R>::type>, RuleFolding<R>::fold};
}

constexpr Foldable foldables[] = {
    foldable<HeavyBall>("heavy-ball"),
    foldable<Nesterov>("nesterov"),
    foldable<TripleMomentum>("tmm"),
    foldable<RmsProp>("rmsprop"),
    foldable<Adam>("adam"),
    foldable<AdamW>("adamw"),
    foldable<Ortho>("ortho"),
    foldable<Muon>("muon"),
    foldable<Shampoo>("shampoo"),
    foldable<Soap>("soap"),
};

const Foldable& foldable_of(const Weights& weights) {
  // Tensors tell the rule only where no name does: a rule of one's own may make another step of
  // the same tensors.
  std::string_view name = weights.about.rule;
  if (const KnownRule* const rule = find_rule(name)) name = rule->named_like;
  if (name.empty()) name = rule_of(weights.table.entries());
  for (const Foldable& known : foldables)
    if (known.name == name) return known;
  fail("rule ", in_quotes(std::string(name)),
       " cannot be folded; expected heavy-ball, nesterov, tmm, rmsprop, adam, adamw, ortho, muon, "
       "shampoo or soap");
}

/// The step that follows one oracle, in tensors.
class FoldedStep {
 public:
  FoldedStep(Weights& weights, const Foldable& rule, Index layer, const std::string& oracle)
      : weights_(weights),
        rule_(rule),
        prefix_(message("layers.", layer, ".")),
        suffix_("_" + oracle),
        projection_(prefix_ + (oracle == "attn" ? "attn.out_proj" : "mlp.w2")) {}

  /// Moves the scales and names in `gone` the tensors that are not left. `unit`: see RuleFolding.
  void operator()(double& unit, std::set<std::string>& gone) {
    CoefficientValues was, is;
    for (short c = 0; c < rule_.rule.coefficients; ++c) {
      const CoefficientInfo& info = rule_.rule.coefficient[c];
      was.set(info.name, info.pinned        ? info.pinned_value
                         : is_learned(info) ? mapped_coefficient(info, value(info))
                                            : info.initial);
    }
    const StepScales scales = rule_.fold(was, Norm::layer_norm, unit, is);
    scale(projection_, scales.oracle);
    for (int n = 0; n < rule_.rule.norms; ++n)
      scale(prefix_ + rule_.rule.norm_name[n] + suffix_, scales.gain);
    for (short c = 0; c < rule_.rule.coefficients; ++c)
      if (is_learned(rule_.rule.coefficient[c])) gone.insert(name_of(rule_.rule.coefficient[c]));
    for (short c = 0; c < rule_.left.coefficients; ++c) {
      const CoefficientInfo& info = rule_.left.coefficient[c];
      if (!is_learned(info)) continue;
      gone.erase(name_of(info));
      if (is.find(info.name) != nullptr) value(info) = initial_raw(info, is);
    }
  }

 private:
  std::string name_of(const CoefficientInfo& info) const {
    return prefix_ + info.name + suffix_ + "_raw";
  }
  const ParameterInfo& entry(const std::string& name) const {
    const ParameterInfo* const found = weights_.table.find(name);
    if (found == nullptr) fail("the weights lack the tensor ", in_quotes(name));
    return *found;
  }
  double& value(const CoefficientInfo& info) const {
    const ParameterInfo& at = entry(name_of(info));
    if (at.size != 1)
      fail("tensor ", in_quotes(at.name), " has shape ", to_string(at.shape),
           ", expected a single number");
    return weights_.values[at.offset];
  }
  /// Scales a projection or norm, with its bias where it has one.
  void scale(const std::string& name, double factor) const {
    scale(entry(name + ".weight"), factor);
    const ParameterInfo* const bias = weights_.table.find(name + ".bias");
    if (bias != nullptr) scale(*bias, factor);
  }
  void scale(const ParameterInfo& at, double factor) const {
    std::for_each_n(weights_.values.data() + at.offset, at.size,
                    [&](double& number) { number *= factor; });
  }

  Weights& weights_;
  const Foldable& rule_;
  std::string prefix_, suffix_, projection_;
};

}  // namespace

Weights folded(Weights weights) {
  const Foldable& rule = foldable_of(weights);
  double unit = 1;
  std::set<std::string> gone;
  for (Index layer = 0; layer < weights.layers(); ++layer)
    for (const char* oracle : {"attn", "mlp"}) FoldedStep(weights, rule, layer, oracle)(unit, gone);
  Weights left;
  left.dtype = weights.dtype;
  left.about = weights.about;
  left.about.rule.clear();  // its name is that of what is left
  for (const ParameterInfo& entry : weights.table.entries())
    if (!gone.contains(entry.name))
      left.table.add(entry.name, entry.role, entry.shape, entry.initialisation);
  left.values.reset(left.table.total());
  for (const ParameterInfo& entry : left.table.entries())
    std::copy_n(weights.values.data() + weights.table.find(entry.name)->offset, entry.size,
                left.values.data() + entry.offset);
  return left;
}
