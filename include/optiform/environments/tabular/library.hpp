// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <optiform/environments/tabular/chains.hpp>       // IWYU pragma: export
#include <optiform/environments/tabular/evaluation.hpp>   // IWYU pragma: export
#include <optiform/environments/tabular/grid_worlds.hpp>  // IWYU pragma: export
#include <optiform/environments/tabular/mdp.hpp>          // IWYU pragma: export
#include <optiform/environments/tabular/paper_mdps.hpp>   // IWYU pragma: export
#include <optiform/environments/tabular/random_mdps.hpp>  // IWYU pragma: export
#include <optiform/environments/tabular/taxi.hpp>         // IWYU pragma: export

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// A number of a process's name; left out, it is `fallback`.
struct NameNumber {
  std::string_view name;
  std::int64_t fallback = 0, least = 0, most = 0;
};

struct NamedMdp {
  std::string_view name, description;
  NameNumber number[4];  ///< in order; those without a name do not exist
  TabularMdp<> (*make)(const int* number);
};

inline constexpr std::int64_t most_states = 1'000'000, most_actions = 1000, most_seed = 2147483647;
inline constexpr std::int64_t most_successors = 50'000'000;

inline const std::vector<NamedMdp>& named_mdps() {
  static const std::vector<NamedMdp> all = {
      {"5s5a",
       "5 states, 5 actions (Chen et al. 2024)",
       {},
       [](const int*) { return five_state_mdp(); }},
      {"m2",
       "2 states, 3 actions (Chen et al. 2024)",
       {},
       [](const int*) { return two_state_mdp(); }},
      {"q3",
       "3 states and a sink, a risky and a safe detour (Chen et al. 2024)",
       {},
       [](const int*) { return three_state_mdp(); }},
      {"q6",
       "6 states, three ways of three steps (Chen et al. 2024)",
       {},
       [](const int*) { return six_state_mdp(); }},
      {"bu",
       "bandit with rewards 1, 0.99, 0 from the uniform policy",
       {},
       [](const int*) {
         return bandit_mdp({1, .99, 0}, {}, "bu");
       }},
      {"bh",
       "the same bandit from a hard start",
       {},
       [](const int*) {
         return bandit_mdp({1, .99, 0}, {1, 3, 5}, "bh");
       }},
      {"bn",
       "bandit with rewards 1, 0.8, 0 where plain momentum fails",
       {},
       [](const int*) {
         return bandit_mdp({1, .8, 0}, {0, 3, 10}, "bn");
       }},
      {"b2",
       "bandit with rewards 1, 0 from the uniform policy",
       {},
       [](const int*) {
         return bandit_mdp({1, 0}, {}, "b2");
       }},
      {"chain",
       "states in a row, the last one pays",
       {{"states", 10, 1, most_states}},
       [](const int* n) { return chain_mdp(n[0]); }},
      {"deep-sea",
       "exploration in a square (Osband et al. 2020)",
       {{"size", 10, 1, 1000}},
       [](const int* n) { return deep_sea_mdp(n[0]); }},
      {"garnet",
       "random sparse process (Archibald et al. 1995)",
       {{"states", 100, 1, most_states},
        {"actions", 4, 1, most_actions},
        {"branching", 3, 1, most_states},
        {"seed", 1, 0, most_seed}},
       [](const int* n) {
         return garnet_mdp(n[0], n[1], n[2], 0.9, static_cast<std::uint64_t>(n[3]));
       }},
      {"random",
       "random dense process (Chen et al. 2024)",
       {{"states", 5, 1, 2000}, {"actions", 5, 1, most_actions}, {"seed", 1, 0, most_seed}},
       [](const int* n) { return random_mdp(n[0], n[1], 0.9, static_cast<std::uint64_t>(n[2])); }},
      {"cliff-walk",
       "4 x 12 grid along a cliff (Sutton, Barto 2018)",
       {},
       [](const int*) { return cliff_walk_mdp(); }},
      {"frozen-lake",
       "slippery grid with holes, of size 4 or 8",
       {{"size", 4, 4, 8}},
       [](const int* n) { return frozen_lake_mdp(n[0]); }},
      {"four-rooms",
       "104 cells in four rooms (Sutton, Precup, Singh 1999)",
       {},
       [](const int*) { return four_rooms_mdp(); }},
      {"taxi",
       "500 states, 6 actions (Dietterich 2000)",
       {},
       [](const int*) { return taxi_mdp(); }},
  };
  return all;
}

/// "garnet[:STATES,ACTIONS,BRANCHING,SEED]"
inline std::string spelling(const NamedMdp& known) {
  std::string out(known.name);
  for (const NameNumber& number : known.number) {
    if (number.name.empty()) break;
    out += &number == known.number ? "[:" : ",";
    for (const char c : number.name) out += static_cast<char>(c - 'a' + 'A');
  }
  return known.number[0].name.empty() ? out : out + "]";
}

inline std::string known_mdps() {
  std::string out;
  for (const NamedMdp& known : named_mdps()) {
    if (!out.empty()) out += ", ";
    out += spelling(known);
  }
  return out;
}

/// A name from outside, fit to stand in a sentence.
inline std::string quoted_name(std::string_view name) {
  constexpr std::size_t longest = 60;
  std::string out = "'";
  for (const char c : name.substr(0, longest)) out += c < 0x20 || c > 0x7E ? '?' : c;
  return out + (name.size() > longest ? "...'" : "'");
}

}  // namespace detail

/// One process that `named_mdp` knows.
struct MdpDescription {
  std::string name;         ///< with its numbers, which may be left out: "chain[:STATES]"
  std::string description;  ///< one line
};

/// All processes that `named_mdp` knows.
inline std::vector<MdpDescription> known_mdps() {
  std::vector<MdpDescription> out;
  for (const detail::NamedMdp& known : detail::named_mdps())
    out.push_back({detail::spelling(known), std::string(known.description)});
  return out;
}

/// A process by its name, which may carry numbers: "5s5a", "chain:10", "garnet:100,4,3,1".
///
/// Contract  numbers that are left out have the defaults of the function that makes the process;
///           `with_discount` changes the discount factor.
/// Errors    Error for an unknown name and for numbers that do not fit, with all known names.
inline TabularMdp<> named_mdp(std::string_view name) {
  const auto colon = name.find(':');
  const auto stem = name.substr(0, colon);
  const auto& all = detail::named_mdps();
  const auto known =
      std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.name == stem; });
  const auto refuse = [&](const auto&... parts) {
    fail("process ", detail::quoted_name(name), ": ", parts...,
         "; known processes: ", detail::known_mdps());
  };
  if (known == all.end()) refuse("unknown name");
  std::size_t count = 0;
  while (count < 4 && !known->number[count].name.empty()) ++count;

  int number[4] = {};
  for (std::size_t i = 0; i < count; ++i) number[i] = static_cast<int>(known->number[i].fallback);
  if (colon != std::string_view::npos) {
    std::string_view rest = name.substr(colon + 1);
    for (std::size_t i = 0;; ++i) {
      if (i == count)
        refuse("too many numbers, expected ", count == 0 ? "none" : "at most ",
               count == 0 ? std::string() : std::to_string(count));
      const auto comma = rest.find(',');
      const auto digits = rest.substr(0, comma);
      const detail::NameNumber& expected = known->number[i];
      std::int64_t value = 0;
      const auto end = digits.data() + digits.size();
      const auto [stopped, error] = std::from_chars(digits.data(), end, value);
      if (digits.empty() || stopped != end || error != std::errc() || value < expected.least ||
          value > expected.most)
        refuse(expected.name, " = ", detail::quoted_name(digits), ", expected a whole number from ",
               expected.least, " to ", expected.most);
      number[i] = static_cast<int>(value);
      if (comma == std::string_view::npos) break;
      rest = rest.substr(comma + 1);
    }
  }
  // What the numbers ask for together; a process of gigabytes is a slip of the keyboard.
  const std::int64_t successors = std::int64_t{number[0]} * (count > 1 ? number[1] : 2) *
                                  (count == 4   ? number[2]
                                   : count == 3 ? number[0]
                                                : 1);
  if (successors > detail::most_successors)
    refuse("it would have ", successors, " transitions, expected at most ",
           detail::most_successors);
  try {
    return known->make(number);
  } catch (const Error& error) {
    refuse(error.what());
    throw;
  }
}

/// The start that the best actions find it hardest to escape from: in every state the actions have
/// the logits 1, 2, ..., the best one the smallest. -infinity where unavailable.
///
/// Shapes    action_value, the best policy's, and the result: [states, actions].
/// Contract  action values closer than 1e-9 are equal, and then the smaller action is the better.
/// Limits    that of "5s5a" is five_state_hard_start().
inline std::vector<double> unfavourable_start(const TabularMdp<>& mdp, const double* action_value) {
  std::vector<double> logits(static_cast<std::size_t>(mdp.pairs()), -__builtin_inf());
  std::vector<std::pair<double, Index>> order;
  for (Index s = 0; s < mdp.states(); ++s) {
    order.clear();
    for (Index pair = s * mdp.actions(); pair < (s + 1) * mdp.actions(); ++pair)
      if (mdp.available(pair)) order.emplace_back(-__builtin_rint(1e9 * action_value[pair]), pair);
    std::sort(order.begin(), order.end());
    double logit = 0;
    for (const auto& entry : order) logits[static_cast<std::size_t>(entry.second)] = ++logit;
  }
  return logits;
}

/// Start logits by name, [states, actions], -infinity where unavailable:
///
///   "default"  the process's own
///   "uniform"  zero
///   "hard"     the process's own where they are not all zero, else `unfavourable_start`
///
///   named_start<Cpu>(mdp, "hard")
///
/// Errors    Error for another name.
template <class Backend>
std::vector<double> named_start(const TabularMdp<>& mdp, std::string_view name) {
  std::vector<double> logits = mdp.start_logits();
  const auto carries = [](double logit) { return logit != 0 && math::isfinite(logit); };
  if (name == "default") return logits;
  if (name == "hard") {
    if (std::any_of(logits.begin(), logits.end(), carries)) return logits;
    TabularEvaluator<TabularMdp<>, Backend, double> evaluator(mdp);
    std::vector<double> best(logits.size());
    policy_iteration(evaluator, best.data());
    return unfavourable_start(mdp, evaluator.action_value());
  }
  if (name != "uniform")
    fail("start ", detail::quoted_name(name), ": unknown name, expected default, uniform or hard");
  for (double& logit : logits)
    if (carries(logit)) logit = 0;
  return logits;
}

OPTIFORM_NAMESPACE_END
