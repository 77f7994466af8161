// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <optiform/environments/tabular/json_writer.hpp>  // IWYU pragma: export
#include <optiform/environments/tabular/mdp.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Processes and start logits as JSON.
///
///   {"name": "two rooms",
///    "discount": 0.9,
///    "rewards": [[1, 0], [0.5, null]],
///    "transitions": [[[0.5, 0.5], [0, 1]], [[1, 0], null]],
///    "start": [0.5, 0.5],
///    "start_logits": [[0, 1], [0, null]],
///    "available": [[true, true], [true, false]]}
///
/// Shapes    rewards, start_logits, available: [states, actions]; transitions [states, actions,
///           states], or a list of {"state": 0, "action": 0, "next": 1, "probability": 0.5} with
///           states and actions counted from 0; start: [states].
/// Contract  needed are discount, rewards and transitions; without start, episodes start anywhere.
///           Papers' letters are accepted as well: gamma, r, P, rho, theta0. Without `available` a
///           pair is unavailable where its reward or its logit is null (a logit also "-inf").
/// Errors    every fault is one Error sentence that names the file, the place in it and what was
///           expected there; unknown and repeated keys are faults.

namespace detail {

class JsonTables {
 public:
  using Json = nlohmann::json;

  JsonTables(std::string_view text, std::string source) : source_(one_line(source)) {
    std::vector<std::set<std::string, std::less<>>> keys;
    std::string repeated;
    const auto watch = [&](int, Json::parse_event_t event, Json& value) {
      using Event = Json::parse_event_t;
      if (event == Event::object_start) keys.emplace_back();
      if (event == Event::object_end) keys.pop_back();
      if (event == Event::key && !keys.back().insert(value.get_ref<const std::string&>()).second)
        repeated = value.get_ref<const std::string&>();
      return true;
    };
    try {
      json_ = Json::parse(text, watch);
    } catch (const Json::exception& error) {
      // What follows "[json.exception.NAME.ID] " says the line and the column.
      const std::string words = error.what();
      const auto start = words.find("] ");
      refuse("it is no JSON: ",
             one_line(start == std::string::npos ? words : words.substr(start + 2)));
    }
    if (!repeated.empty()) refuse("the key '", one_line(repeated), "' is there twice");
  }

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail("cannot use '", source_, "': ", parts...);
  }

  TabularMdp<> process(const std::string& default_name) const {
    check_keys();
    const Json* const rewards = value_of("rewards", "r");
    const Json* const transitions = value_of("transitions", "P");
    const Json* const discount = value_of("discount", "gamma");
    if (rewards == nullptr) refuse("it has no rewards, expected [[...]], a row for each state");
    if (transitions == nullptr) refuse("it has no transitions, expected states x actions x states");
    if (discount == nullptr) refuse("it has no discount, expected a number from 0 to below 1");
    const Json* const name = value_of("name", "name");
    if (name != nullptr && !name->is_string()) wrong("name", *name, "a string");

    array("rewards", *rewards);
    if (rewards->empty()) refuse("rewards is empty, expected a row for each state");
    array("rewards[0]", rewards->front());
    const auto states = static_cast<int>(rewards->size());
    const auto actions = static_cast<int>(rewards->front().size());
    const double gamma = number("discount", *discount);
    try {
      MdpBuilder builder(
          states, actions, gamma,
          name == nullptr ? default_name : as_name(name->get_ref<const std::string&>()));
      const auto available = availability(states, actions, *rewards);
      each_pair("rewards", *rewards, states, actions,
                [&](const std::string& place, const Json& value, int s, int a) {
                  if (!available[pair(s, a, actions)]) {
                    builder.unavailable(s, a);
                  } else {
                    builder.reward(s, a, number(place, value));
                  }
                });
      array("transitions", *transitions);
      if (!transitions->empty() && transitions->front().is_object()) {
        add_list(builder, *transitions);
      } else {
        add_table(builder, *transitions, states, actions, available);
      }
      if (const Json* const start = value_of("start", "rho"); start != nullptr)
        builder.start(numbers("start", *start, states, "states"));
      if (const Json* const logits = value_of("start_logits", "theta0"); logits != nullptr)
        builder.start_logits(logit_table(*logits, states, actions, available));
      return builder.build();
    } catch (const Error& error) {
      const std::string_view words = error.what();
      if (words.starts_with("cannot use '")) throw;
      refuse(words);
    }
  }

  /// Logits for a process that exists: [[...]], a flat list, or an object that holds either.
  std::vector<double> logits(const TabularMdp<>& mdp) const {
    const Json* table = &json_;
    if (json_.is_object()) {
      check_keys();
      table = value_of("start_logits", "theta0");
      if (table == nullptr) refuse("it has no start_logits");
    }
    std::vector<bool> available;
    for (Index at = 0; at < mdp.pairs(); ++at) available.push_back(mdp.available(at));
    return logit_table(*table, mdp.states(), mdp.actions(), available);
  }

 private:
  static std::size_t pair(int s, int a, int actions) {
    return static_cast<std::size_t>(s) * static_cast<std::size_t>(actions) +
           static_cast<std::size_t>(a);
  }
  /// Words from outside, fit to stand in a sentence.
  static std::string one_line(std::string_view text) {
    constexpr std::size_t longest = 200;
    std::string out;
    for (const char c : text.substr(0, longest)) out += c < 0x20 || c > 0x7E ? '?' : c;
    return text.size() > longest ? out + "..." : out;
  }
  /// A name of one line in whatever alphabet.
  static std::string as_name(std::string name) {
    for (char& c : name)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    return name;
  }
  [[noreturn]] void wrong(std::string_view place, const Json& value,
                          std::string_view expected) const {
    const std::string_view kind = value.type_name();
    refuse(place, " is ",
           kind == "null"                        ? ""
           : kind == "array" || kind == "object" ? "an "
                                                 : "a ",
           kind, ", expected ", expected);
  }

  void check_keys() const {
    if (!json_.is_object()) wrong("it", json_, "an object");
    static constexpr std::string_view known[] = {
        "name",  "discount", "gamma",  "rewards",      "r",        "transitions", "P",
        "start", "rho",      "theta0", "start_logits", "available"};
    for (const auto& entry : json_.items()) {
      bool found = false;
      for (const std::string_view key : known) found = found || entry.key() == key;
      if (!found)
        refuse(
            "unknown key '", one_line(entry.key()),
            "', expected name, discount, rewards, transitions, start, start_logits or available");
    }
  }
  /// The value of a key under either of its names; null where it is absent.
  const Json* value_of(const char* name, const char* letter) const {
    const auto by_name = json_.find(name), by_letter = json_.find(letter);
    if (by_name == json_.end()) return by_letter == json_.end() ? nullptr : &*by_letter;
    if (by_letter != json_.end() && by_letter != by_name)
      refuse("it has both ", name, " and ", letter, ", expected one of them");
    return &*by_name;
  }

  void array(std::string_view place, const Json& value) const {
    if (!value.is_array()) wrong(place, value, "a list");
  }
  void array(std::string_view place, const Json& value, int size, std::string_view what) const {
    array(place, value);
    if (value.size() != static_cast<std::size_t>(size))
      refuse(place, " has ", value.size(), " entries, expected ", size, ", the number of ", what);
  }
  double number(std::string_view place, const Json& value) const {
    if (!value.is_number()) wrong(place, value, "a number");
    return value.get<double>();
  }
  int index(const std::string& place, const Json& entry, const char* key) const {
    const auto value = entry.find(key);
    if (value == entry.end()) refuse(place, " has no ", key);
    if (!value->is_number_integer() || value->get<double>() < 0 || value->get<double>() > 2e9)
      refuse(place, ".", key, " is ", one_line(value->dump()), ", expected a whole number from 0");
    return value->get<int>();
  }
  std::vector<double> numbers(const std::string& place, const Json& value, int size,
                              std::string_view what) const {
    array(place, value, size, what);
    std::vector<double> out;
    for (std::size_t i = 0; i < value.size(); ++i)
      out.push_back(number(message(place, "[", i, "]"), value[i]));
    return out;
  }
  /// f(place, value, state, action) for a table [states, actions].
  template <class F>
  void each_pair(std::string_view name, const Json& table, int states, int actions, F&& f) const {
    array(name, table, states, "states");
    for (int s = 0; s < states; ++s) {
      const Json& row = table[static_cast<std::size_t>(s)];
      const std::string place = message(name, "[", s, "]");
      array(place, row, actions, "actions");
      for (int a = 0; a < actions; ++a)
        f(message(place, "[", a, "]"), row[static_cast<std::size_t>(a)], s, a);
    }
  }

  /// A logit of an action that cannot be taken.
  static bool forbids(const Json& logit) {
    return logit.is_null() || logit == "-inf" || logit == "-Infinity";
  }
  std::vector<bool> availability(int states, int actions, const Json& rewards) const {
    std::vector<bool> available(pair(states, 0, actions), true);
    if (const Json* const given = value_of("available", "available"); given != nullptr) {
      each_pair("available", *given, states, actions,
                [&](const std::string& place, const Json& value, int s, int a) {
                  if (!value.is_boolean()) wrong(place, value, "true or false");
                  available[pair(s, a, actions)] = value.get<bool>();
                });
      return available;
    }
    const auto mark = [&](const std::string&, const Json& value, int s, int a) {
      if (forbids(value)) available[pair(s, a, actions)] = false;
    };
    each_pair("rewards", rewards, states, actions,
              [&](const std::string& place, const Json& value, int s, int a) {
                if (value.is_null()) mark(place, value, s, a);
              });
    const Json* const logits = value_of("start_logits", "theta0");
    if (logits != nullptr && logits->is_array() && !logits->empty() && logits->front().is_array())
      each_pair("start_logits", *logits, states, actions, mark);
    return available;
  }

  void add_list(MdpBuilder& builder, const Json& list) const {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string place = message("transitions[", i, "]");
      const Json& entry = list[i];
      if (!entry.is_object()) wrong(place, entry, "an object like the first one");
      const auto probability = entry.find("probability");
      if (probability == entry.end()) refuse(place, " has no probability");
      if (entry.size() > 4)
        refuse(place, " has ", entry.size(),
               " keys, expected state, action, next and probability only");
      const int state = index(place, entry, "state"), action = index(place, entry, "action"),
                next = index(place, entry, "next");
      try {
        builder.transition(state, action, next, number(place + ".probability", *probability));
      } catch (const Error& error) {
        const std::string_view words = error.what();
        if (words.starts_with("cannot use '")) throw;
        refuse(place, ": ", words);
      }
    }
  }
  void add_table(MdpBuilder& builder, const Json& table, int states, int actions,
                 const std::vector<bool>& available) const {
    each_pair("transitions", table, states, actions,
              [&](const std::string& place, const Json& row, int s, int a) {
                if (!available[pair(s, a, actions)] && (row.is_null() || row.empty())) return;
                int next = 0;
                for (const double probability : numbers(place, row, states, "states"))
                  builder.transition(s, a, next++, probability);
              });
  }
  std::vector<double> logit_table(const Json& table, int states, int actions,
                                  const std::vector<bool>& available) const {
    std::vector<double> out(available.size(), -__builtin_inf());
    const auto read = [&](const std::string& place, const Json& value, int s, int a) {
      const std::size_t at = pair(s, a, actions);
      if (!available[at] && forbids(value)) return;
      const double logit = number(place, value);
      if (available[at]) out[at] = logit;
    };
    array("start_logits", table);
    if (!table.empty() && table.front().is_array()) {
      each_pair("start_logits", table, states, actions, read);
    } else {
      array("start_logits", table, static_cast<int>(available.size()), "pairs");
      for (std::size_t i = 0; i < table.size(); ++i)
        read(message("start_logits[", i, "]"), table[i], static_cast<int>(i) / actions,
             static_cast<int>(i) % actions);
    }
    return out;
  }

  std::string source_;
  Json json_;
};

inline std::string read_json_file(const std::filesystem::path& path) {
  constexpr std::uintmax_t longest = 256'000'000;
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) fail("cannot open '", path.string(), "': no such file");
  // A pipe or a device would be waited for.
  if (!std::filesystem::is_regular_file(status))
    fail("cannot read '", path.string(), "': it is not a regular file");
  const auto size = std::filesystem::file_size(path, error);
  if (error || size > longest)
    fail("cannot read '", path.string(), "': it is too long, expected at most ", longest, " bytes");
  std::string text(static_cast<std::size_t>(size), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file || !file.read(text.data(), static_cast<std::streamsize>(size)))
    fail("cannot read '", path.string(), "'");
  return text;
}

}  // namespace detail

/// A process from JSON text; `source` stands for it in the sentences of errors.
inline TabularMdp<> mdp_from_json(std::string_view text, const std::string& source = "JSON") {
  return detail::JsonTables(text, source).process("mdp");
}

/// A process from a JSON file, named after the file unless it has a name.
inline TabularMdp<> load_mdp(const std::filesystem::path& path) {
  return detail::JsonTables(detail::read_json_file(path), path.string())
      .process(path.stem().string());
}

/// Start logits for `mdp`, [states, actions], from JSON text: [[...]], a flat list, or an object
/// with start_logits. -infinity where the process has no such action, whatever is written there.
inline std::vector<double> logits_from_json(const TabularMdp<>& mdp, std::string_view text,
                                            const std::string& source = "JSON") {
  return detail::JsonTables(text, source).logits(mdp);
}

/// The same from a file.
inline std::vector<double> load_logits(const TabularMdp<>& mdp, const std::filesystem::path& path) {
  return detail::JsonTables(detail::read_json_file(path), path.string()).logits(mdp);
}

OPTIFORM_NAMESPACE_END
