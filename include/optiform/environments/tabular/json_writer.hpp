// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <optiform/environments/tabular/mdp.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A process as JSON text, which `mdp_from_json` of <optiform/environments/tabular/json.hpp> reads
/// back bit by bit.
///
/// Shapes    transitions are a table up to 32 states and a list beyond.
/// Contract  the name is UTF-8; control characters in it become question marks.
inline std::string mdp_to_json(const TabularMdp<>& mdp) {
  constexpr int table_limit = 32;
  std::string list;
  const auto item = [&](const auto&... parts) {
    if (!list.empty() && list.back() != '[') list += ", ";
    list += message(parts...);
  };
  // [[...]] of word(pair)
  const auto table = [&](auto&& word) {
    list = "[";
    for (int s = 0; s < mdp.states(); ++s) {
      item("[");
      for (int a = 0; a < mdp.actions(); ++a) item(word(static_cast<Index>(s) * mdp.actions() + a));
      list += "]";
    }
    return list + "]";
  };
  const auto where_available = [&](Index pair, double number) {
    return mdp.available(pair) ? message(number) : "null";
  };
  const auto row = [&](Index pair) {
    if (!mdp.available(pair)) return std::string("null");
    std::string out;
    const auto* n = mdp.begin(pair);
    for (int next = 0; next < mdp.states(); ++next) {
      const bool reached = n != mdp.end(pair) && n->state == next;
      out += message(next == 0 ? "[" : ", ", reached ? n->probability : 0.0);
      if (reached) ++n;
    }
    return out + "]";
  };

  std::string text = "{\"name\": \"";
  for (const char c : mdp.name()) {
    if (c == '"' || c == '\\') text += '\\';
    text += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  }
  text += message("\",\n \"discount\": ", mdp.discount(), ",\n \"start\": ");
  list = "[";
  for (int s = 0; s < mdp.states(); ++s) item(mdp.start(s));
  text += list + "],\n \"rewards\": ";
  text += table([&](Index pair) { return where_available(pair, mdp.reward(pair)); });
  text += ",\n \"transitions\": ";
  if (mdp.states() <= table_limit) {
    text += table(row);
  } else {
    list = "[";
    for (Index pair = 0; pair < mdp.pairs(); ++pair)
      for (const auto* n = mdp.begin(pair); n != mdp.end(pair); ++n)
        item("{\"state\": ", pair / mdp.actions(), ", \"action\": ", pair % mdp.actions(),
             ", \"next\": ", n->state, ", \"probability\": ", n->probability, "}");
    text += list + "]";
  }
  text += ",\n \"start_logits\": ";
  text += table([&](Index pair) {
    return where_available(pair, mdp.start_logits()[static_cast<std::size_t>(pair)]);
  });
  text += ",\n \"available\": ";
  text += table([&](Index pair) { return mdp.available(pair) ? "true" : "false"; });
  return text + "}\n";
}

OPTIFORM_NAMESPACE_END
