// SPDX-License-Identifier: MIT
#include <optiform/environments/tabular/json.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <optiform/core/random.hpp>

#include "../io/support.hpp"
#include "solvers.hpp"

namespace optiform::testing {
namespace {

bool same(const TabularMdp<>& a, const TabularMdp<>& b) {
  bool equal = a.name() == b.name() && a.states() == b.states() && a.actions() == b.actions() &&
               a.discount() == b.discount() && a.start_logits() == b.start_logits();
  for (int s = 0; equal && s < a.states(); ++s) equal = a.start(s) == b.start(s);
  for (Index pair = 0; equal && pair < a.pairs(); ++pair) {
    equal = a.reward(pair) == b.reward(pair) && a.available(pair) == b.available(pair) &&
            a.end(pair) - a.begin(pair) == b.end(pair) - b.begin(pair);
    for (const auto *x = a.begin(pair), *y = b.begin(pair); equal && x != a.end(pair); ++x, ++y)
      equal = x->state == y->state && x->probability == y->probability;
  }
  return equal;
}

/// A small file whose parts can be replaced.
std::string file_text(const std::string& part, const std::string& other) {
  std::string text =
      R"({"name": "pair", "discount": 0.9, "rewards": [[1, 0], [0.5, null]], )"
      R"("transitions": [[[0.5, 0.5], [0, 1]], [[1, 0], null]], "start": [0.25, 0.75], )"
      R"("start_logits": [[0, 1], [2, "-inf"]]})";
  const auto at = text.find(part);
  REQUIRE(at != std::string::npos);
  return text.replace(at, part.size(), other);
}

std::string refusal_of(const std::string& part, const std::string& other) {
  return refusal([&] { mdp_from_json(file_text(part, other), "pair.json"); });
}

}  // namespace

TEST_CASE("JSON: every named process is read back bit by bit") {
  for (const char* name : {"5s5a", "m2", "q3", "q6", "bu", "bh", "bn", "b2", "chain", "chain:40",
                           "deep-sea", "garnet", "random", "frozen-lake", "four-rooms", "taxi"}) {
    CAPTURE(name);
    const TabularMdp<> mdp = process(name);
    CHECK(same(mdp_from_json(mdp_to_json(mdp)), mdp));
  }
  MdpBuilder odd(1, 1, 1.0 / 3, "\"M\xC3\xA4rz\" \\ \n");
  odd.absorbing(0);
  CHECK(mdp_from_json(mdp_to_json(odd.build())).name() == "\"M\xC3\xA4rz\" \\ ?");
  CHECK(mdp_from_json(mdp_to_json(odd.build())).discount() == 1.0 / 3);
}

TEST_CASE("JSON: tables, lists and papers' letters say the same") {
  const TabularMdp<> mdp = mdp_from_json(file_text("", ""));
  CHECK(mdp.name() == "pair");
  CHECK(mdp.reward(2) == 0.5);
  CHECK(mdp.start(1) == 0.75);
  CHECK_FALSE(mdp.available(3));
  CHECK(mdp.start_logits() == std::vector<double>{0, 1, 2, -HUGE_VAL});
  CHECK(same(mdp, mdp_from_json(R"({"name": "pair", "gamma": 0.9, "r": [[1, 0], [0.5, 7]],
      "P": [{"state": 0, "action": 0, "next": 0, "probability": 0.5},
            {"state": 1, "action": 0, "next": 0, "probability": 1},
            {"state": 0, "action": 1, "next": 1, "probability": 1.0},
            {"probability": 0.5, "next": 1, "action": 0, "state": 0}],
      "rho": [0.25, 0.75], "theta0": [[0, 1], [2, 5]],
      "available": [[true, true], [true, false]]})")));
  // What is left out.
  const TabularMdp<> bare = mdp_from_json(R"({"discount": 0, "rewards": [[1, 2]],
                                              "transitions": [[[1], [1]]]})");
  CHECK(bare.name() == "mdp");
  CHECK(bare.start(0) == 1);
  CHECK(bare.start_logits() == std::vector<double>{0, 0});
}

TEST_CASE("JSON: every fault is a sentence with the file, the place and what was expected") {
  struct Fault {
    const char *part, *instead, *sentence;
  };
  const Fault faults[] = {
      {"0.9", "1", "discount = 1, expected 0 <= discount < 1"},
      {"0.9", "\"much\"", "discount is a string, expected a number"},
      {"\"discount\"", "\"discuont\"",
       "unknown key 'discuont', expected name, discount, rewards, transitions, start, "
       "start_logits or available"},
      {"\"name\": \"pair\"", "\"gamma\": 0.5",
       "it has both discount and gamma, expected one of them"},
      {"\"name\": \"pair\"", "\"start\": [1, 0]", "the key 'start' is there twice"},
      {"\"pair\"", "3", "name is a number, expected a string"},
      {"\"discount\": 0.9, ", "", "it has no discount, expected a number from 0 to below 1"},
      {"[[1, 0]", "[[1, \"0\"]", "rewards[0][1] is a string, expected a number"},
      {"[[1, 0]", "[[1, 0, 2]", "rewards[1] has 2 entries, expected 3, the number of actions"},
      {"[[1, 0], [0.5, null]]", "7", "rewards is a number, expected a list"},
      {"[[1, 0], [0.5, null]]", "[]", "rewards is empty, expected a row for each state"},
      {"[0.5, null]", "[null, null]",
       "state 1, action 0 has transitions but is marked unavailable"},
      {R"(0.5, null]], "transitions": [[[0.5, 0.5], [0, 1]], [[1, 0])",
       R"(null, null]], "transitions": [[[0.5, 0.5], [0, 1]], [null)",
       "state 1 has no available action, expected at least one"},
      {"[1, 0]", "[1e999, 0]", "it is no JSON: number overflow parsing '1e999'"},
      {"[0, 1]]", "[0, 0.75]]",
       "transition probabilities of state 0, action 1 sum to 0.75, expected 1"},
      {"[0, 1]]", "[-1, 2]]", "P(0 | 0, 1) = -1, expected 0 to 1"},
      {"[0, 1]]", "[1]]", "transitions[0][1] has 1 entries, expected 2, the number of states"},
      {"[0, 1]]", "null]", "transitions[0][1] is null, expected a list"},
      {"[0.25, 0.75]", "[0.25, 0.5]", "the start distribution sums to 0.75, expected 1"},
      {"[0.25, 0.75]", "[1]", "start has 1 entries, expected 2, the number of states"},
      {"[[0, 1], [2", "[[0, true], [2", "start_logits[0][1] is a boolean, expected a number"},
      {"[[[0.5, 0.5], [0, 1]], [[1, 0], null]]",
       R"([{"state": 0, "action": 0, "next": 2, "probability": 1}])",
       "transitions[0]: transition of state 0, action 0 leads to state 2, expected 0 to 1"},
      {"[[[0.5, 0.5], [0, 1]], [[1, 0], null]]",
       R"([{"state": 0.5, "action": 0, "next": 1, "probability": 1}])",
       "transitions[0].state is 0.5, expected a whole number from 0"},
      {"[[[0.5, 0.5], [0, 1]], [[1, 0], null]]", R"([{"state": 0, "action": 0}])",
       "transitions[0] has no probability"},
  };  // namespace optiform::testing
  const std::string head = "cannot use 'pair.json': ";
  for (const Fault& fault : faults)
    CHECK(refusal_of(fault.part, fault.instead) == head + fault.sentence);
  CHECK(refusal_of("[1, 0]", "[NaN, 0]").find(head + "it is no JSON: parse error at line 1") == 0);
  CHECK(refusal([] { mdp_from_json("[1, 2]"); }) ==
        "cannot use 'JSON': it is an array, expected an object");
  CHECK(refusal([] {
          mdp_from_json("{\n \"discount\": 0.9,\n ]");
        }).find("it is no JSON: parse error at line 3, column 2") != std::string::npos);
  CHECK(refusal([] { mdp_from_json(""); }).find("it is no JSON") != std::string::npos);
  CHECK_REFUSED("it is no JSON", mdp_from_json(std::string(1'000'000, '[')));
}

TEST_CASE("JSON: files of processes and of start logits") {
  const TemporaryDirectory directory;
  write_bytes(directory / "rooms.json", file_text("\"name\": \"pair\", ", ""));
  const TabularMdp<> mdp = load_mdp(directory / "rooms.json");
  CHECK(mdp.name() == "rooms");
  CHECK_REFUSED("nowhere.json': no such file", load_mdp(directory / "nowhere.json"));
  CHECK_REFUSED("it is not a regular file", load_mdp(directory.path()));

  const std::vector<double> expected = {3, 1, 4, -HUGE_VAL};
  for (const char* text :
       {"[[3, 1], [4, null]]", "[3, 1, 4, null]", R"([[3, 1], [4, "-inf"]])", "[3, 1, 4, 0]",
        R"({"start_logits": [[3, 1], [4, null]]})", R"({"theta0": [3, 1, 4, null]})"}) {
    CAPTURE(text);
    write_bytes(directory / "start.json", text);
    CHECK(load_logits(mdp, directory / "start.json") == expected);
  }
  CHECK(load_logits(mdp, directory / "rooms.json") == mdp.start_logits());
  const auto refused = [&](const char* text) {
    return refusal([&] { logits_from_json(mdp, text, "start.json"); });
  };
  const std::string head = "cannot use 'start.json': ";
  CHECK(refused("[3, 1, 4]") ==
        head + "start_logits has 3 entries, expected 4, the number of pairs");
  CHECK(refused("[[3, 1]]") ==
        head + "start_logits has 1 entries, expected 2, the number of states");
  CHECK(refused("[3, null, 4, null]") == head + "start_logits[1] is null, expected a number");
  CHECK(refused("{}") == head + "it has no start_logits");
  CHECK(refused("12") == head + "start_logits is a number, expected a list");
}

TEST_CASE("JSON: damaged text is a process or a sentence") {
  Rng rng(5);
  for (const char* name : {"q6", "5s5a", "chain:40"}) {
    const std::string text = mdp_to_json(process(name));
    int accepted = 0;
    for (int i = 0; i < 1000; ++i) {
      std::string damaged = text;
      const auto anywhere = [&] { return static_cast<std::size_t>(rng.below(text.size())); };
      if (i % 4 == 0) {
        damaged.resize(anywhere());
      } else if (i % 4 == 1) {
        damaged[anywhere()] ^= static_cast<char>(1 << rng.below(8));
      } else {
        // Letters of the language itself get farther than noise.
        constexpr std::string_view letters = "0123456789.-,:[]{}\"enul";
        damaged[anywhere()] = letters[static_cast<std::size_t>(rng.below(letters.size()))];
      }
      try {
        const TabularMdp<> mdp = mdp_from_json(damaged);
        ++accepted;
        CHECK(mdp.states() >= 1);
      } catch (const Error& error) {
        INFO("sentence: ", error.what());
        CHECK(is_one_sentence(error.what()));
      }
    }
    CHECK(accepted > 0);
    CHECK(accepted < 500);
  }
}

}  // namespace optiform::testing
