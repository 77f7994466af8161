// SPDX-License-Identifier: MIT
#pragma once

#include <set>
#include <string>
#include <string_view>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// The learned coefficients of one layer's steps, sorted, and the name of their norm.
struct RuleName {
  std::string_view rule, coefficients, norm;
};

inline constexpr RuleName rule_names[] = {
    {"vanilla", "", ""},
    {"heavy-ball", "beta gamma ", "ln_v"},
    {"nesterov", "beta gamma mu ", "ln_v"},
    {"tmm", "beta gamma mu nu ", "ln_v"},
    {"adam", "beta1 beta2 gamma ", "ln_update"},
    {"adamw", "beta1 beta2 gamma lambda ", "ln_update"},
    {"rmsprop", "beta2 gamma ", "ln_update"},
    {"muon", "beta gamma ", "ln_update"},
    {"ortho", "gamma ", "ln_update"},
    {"soap", "beta1 betaR gamma ", "ln_update"},
    {"shampoo", "betaR gamma ", "ln_update"},
    {"momentum (folded)", "beta mu ", "ln_v"},
    {"heavy-ball (folded)", "beta ", "ln_v"},
    {"adam (folded)", "beta1 beta2 ", "ln_update"},
    {"adamw (folded)", "beta1 beta2 lambda ", "ln_update"},
    {"rmsprop (folded)", "beta2 ", "ln_update"},
    {"muon (folded)", "beta ", "ln_update"},
    {"ortho (folded)", "", "ln_update"},
    {"soap (folded)", "beta1 betaR ", "ln_update"},
    {"shampoo (folded)", "betaR ", "ln_update"},
};

}  // namespace detail

/// The rule to which tensors of these names belong, as the reference names them; empty if they are
/// those of no known rule, or of several.
///
/// Shapes    tensors: a range of things that have a `name`.
template <class Tensors>
std::string_view rule_of(const Tensors& tensors) {
  std::set<std::string> coefficients;
  std::string_view norm;
  bool layers = false;
  for (const auto& tensor : tensors) {
    const std::string_view name = tensor.name;
    const auto at = name.find("layers.");
    if (at == std::string_view::npos) continue;
    layers = true;
    const auto part = name.substr(name.find('.', at + 7) + 1);
    if (part.ends_with("_raw")) coefficients.emplace(part.substr(0, part.find('_')));
    if (part.starts_with("ln_v")) norm = "ln_v";
    if (part.starts_with("ln_update")) norm = "ln_update";
  }
  std::string joined;
  for (const std::string& coefficient : coefficients) joined += coefficient + ' ';
  for (const detail::RuleName& known : detail::rule_names)
    if (layers && known.coefficients == joined && known.norm == norm) return known.rule;
  return "";
}

OPTIFORM_NAMESPACE_END
