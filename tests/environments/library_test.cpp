// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <optiform/tabular.hpp>

#include "solvers.hpp"

namespace optiform::testing {
namespace {

/// States that some episode reaches.
std::size_t reachable(const TabularMdp<>& mdp) {
  std::vector<int> open;
  std::set<int> seen;
  for (int s = 0; s < mdp.states(); ++s)
    if (mdp.start(s) > 0) open.push_back(s);
  while (!open.empty()) {
    const int s = open.back();
    open.pop_back();
    if (!seen.insert(s).second) continue;
    for (Index pair = s * mdp.actions(); pair < (s + 1) * mdp.actions(); ++pair)
      for (const auto* n = mdp.begin(pair); n != mdp.end(pair); ++n) open.push_back(n->state);
  }
  return seen.size();
}

std::string refusal(const char* name) {
  try {
    process(name);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("named processes: each builds, its rows and its start sum to one") {
  std::set<std::string> names;
  for (const MdpDescription& known : known_mdps()) {
    CAPTURE(known.name);
    CHECK(known.description.size() > 10);
    CHECK(known.description.find('\n') == std::string::npos);
    const std::string name = known.name.substr(0, known.name.find('['));
    CHECK(names.insert(name).second);
    const TabularMdp<> mdp = process(name);
    CHECK(mdp.name().substr(0, name.size()) == name);
    double start = 0;
    for (int s = 0; s < mdp.states(); ++s) start += mdp.start(s);
    CHECK(std::fabs(start - 1) < 1e-12);
    for (Index pair = 0; pair < mdp.pairs(); ++pair) {
      double sum = 0;
      for (const auto* n = mdp.begin(pair); n != mdp.end(pair); ++n) sum += n->probability;
      CHECK(std::fabs(sum - (mdp.available(pair) ? 1 : 0)) < 1e-12);
    }
    for (const char* kind : {"default", "uniform", "hard"}) {
      const auto logits = start_of(OnCpu(), mdp, kind);
      REQUIRE(logits.size() == static_cast<std::size_t>(mdp.pairs()));
      for (Index pair = 0; pair < mdp.pairs(); ++pair)
        CHECK(std::isfinite(logits[static_cast<std::size_t>(pair)]) == mdp.available(pair));
    }
    // Its own name makes the same process again.
    CHECK(process(mdp.name()).name() == mdp.name());
    CHECK(process(mdp.name()).states() == mdp.states());
  }
  CHECK(names.size() == 16);
}

TEST_CASE("named processes: numbers choose sizes and seeds") {
  CHECK(process("chain:7").states() == 7);
  CHECK(process("chain").states() == 10);
  CHECK(process("deep-sea:4").states() == 11);
  CHECK(process("garnet:30").states() == 30);
  CHECK(process("garnet:30").actions() == 4);
  const TabularMdp<> garnet = process("garnet:30,2,5,7");
  CHECK(garnet.actions() == 2);
  for (Index pair = 0; pair < garnet.pairs(); ++pair)
    CHECK(garnet.end(pair) - garnet.begin(pair) == 5);
  CHECK(garnet.reward(3) == process("garnet:30,2,5,7").reward(3));
  CHECK(garnet.reward(3) != process("garnet:30,2,5,8").reward(3));
  CHECK(process("frozen-lake:8").states() == 64);
}

TEST_CASE("named processes: a wrong name is answered by all names") {
  const std::string all =
      "; known processes: 5s5a, m2, q3, q6, bu, bh, bn, b2, chain[:STATES], deep-sea[:SIZE], "
      "garnet[:STATES,ACTIONS,BRANCHING,SEED], random[:STATES,ACTIONS,SEED], cliff-walk, "
      "frozen-lake[:SIZE], four-rooms, taxi";
  const auto whole = [](const char* number, const char* value, const char* range) {
    return std::string(number) + " = '" + value + "', expected a whole number from " + range;
  };
  CHECK(refusal("pong") == "process 'pong': unknown name" + all);
  CHECK(refusal("") == "process '': unknown name" + all);
  CHECK(refusal("5s5a\n") == "process '5s5a?': unknown name" + all);
  CHECK(refusal("5s5a:1") == "process '5s5a:1': too many numbers, expected none" + all);
  CHECK(refusal("chain:1,2") == "process 'chain:1,2': too many numbers, expected at most 1" + all);
  CHECK(refusal("chain:0") == "process 'chain:0': " + whole("states", "0", "1 to 1000000") + all);
  CHECK(refusal("chain:") == "process 'chain:': " + whole("states", "", "1 to 1000000") + all);
  CHECK(refusal("chain:-3") ==
        "process 'chain:-3': " + whole("states", "-3", "1 to 1000000") + all);
  CHECK(refusal("chain:2.5").find("states = '2.5', expected a whole number") != std::string::npos);
  CHECK(refusal("chain:99999999999999999999").find("expected a whole number") != std::string::npos);
  CHECK(refusal("garnet:3,2,9") ==
        "process 'garnet:3,2,9': branching = 9, expected 1 to 3, the number of states" + all);
  CHECK(refusal("garnet:1000000,1000") ==
        "process 'garnet:1000000,1000': it would have 3000000000 transitions, expected at most "
        "50000000" +
            all);
  CHECK(refusal("frozen-lake:5") == "process 'frozen-lake:5': size = 5, expected 4 or 8" + all);
  CHECK_THROWS_WITH_AS(start_of(OnCpu(), process("m2"), "soft"),
                       "start 'soft': unknown name, expected default, uniform or hard", Error);
}

TEST_CASE("named starts: hard is the process's own start, or the one against its best actions") {
  CHECK(start_of(OnCpu(), process("bh"), "hard") == std::vector<double>{1, 3, 5});
  CHECK(start_of(OnCpu(), process("bh"), "uniform") == std::vector<double>{0, 0, 0});
  CHECK(start_of(OnCpu(), process("bu"), "hard") == std::vector<double>{1, 2, 3});
  CHECK(start_of(OnCpu(), process("q3"), "hard") == three_state_mdp().start_logits());
  const double forbidden = -HUGE_VAL;
  CHECK(start_of(OnCpu(), process("q3"), "uniform") ==
        std::vector<double>{0, 0, 0, 0, 0, forbidden, 0, forbidden});
  CHECK(start_of(OnCpu(), process("chain:3"), "hard") == std::vector<double>{2, 1, 2, 1, 2, 1});
}

TEST_CASE("chain, deep sea: closed forms of the optimum") {
  for (const int states : {1, 2, 17}) {
    const Evaluation best = optimum(OnCpu(), chain_mdp(states, 0.95));
    for (int s = 0; s < states; ++s)
      CHECK(best.value[static_cast<std::size_t>(s)] ==
            doctest::Approx(std::pow(0.95, states - 1 - s) / 0.05).epsilon(1e-12));
  }
  for (const int size : {1, 2, 9, 20}) {
    const TabularMdp<> mdp = deep_sea_mdp(size);
    const Evaluation best = optimum(OnCpu(), mdp);
    const double gamma = 0.99;
    CHECK(best.objective == doctest::Approx(std::pow(gamma, size - 1) -
                                            0.01 / size * (1 - std::pow(gamma, size)) / (1 - gamma))
                                .epsilon(1e-12));
    CHECK(reachable(mdp) == static_cast<std::size_t>(size * (size + 1) / 2 + 1));
  }
}

TEST_CASE("cliff walk: the best walk takes thirteen steps along the edge") {
  const TabularMdp<> mdp = cliff_walk_mdp();
  const Evaluation best = optimum(OnCpu(), mdp);
  CHECK(best.objective == doctest::Approx(-(1 - std::pow(.99, 13)) / .01).epsilon(1e-12));
  CHECK(best.value[47] == 0);
  CHECK(reachable(mdp) == 38);  // all but the cliff
  // A step off the edge.
  const Index fall = 36 * 4 + 1;
  CHECK(mdp.reward(fall) == -100);
  CHECK(mdp.begin(fall)->state == 36);
}

TEST_CASE("frozen lake: the known values of its start") {
  CHECK(std::fabs(optimum(OnCpu(), frozen_lake_mdp()).objective - 0.54202593) < 5e-9);
  CHECK(std::fabs(optimum(OnCpu(), frozen_lake_mdp(8)).objective - 0.41464036) < 5e-9);
  CHECK(std::fabs(optimum(OnCpu(), frozen_lake_mdp(4, 0.999999)).objective - 14.0 / 17) < 1e-3);
  CHECK(reachable(frozen_lake_mdp()) == 16);
}

TEST_CASE("four rooms: 104 cells, all connected, the best are beside the door") {
  const TabularMdp<> mdp = four_rooms_mdp();
  const Evaluation best = optimum(OnCpu(), mdp);
  CHECK(mdp.states() == 104);
  CHECK(reachable(mdp) == 104);
  const std::vector<double>& value = best.value;
  CHECK(std::fabs(value[62]) < 1e-12);
  // Above and below the door: a step succeeds with 2/3 there.
  for (std::size_t s = 0; s < 104; ++s) {
    if (s != 62) CHECK((value[s] > 0.05 && value[s] < 1));
    if (s != 54 && s != 70) CHECK((value[s] < value[54] && value[s] < value[70]));
  }
  CHECK(best.probability[54 * 4 + 1] == 1);
  CHECK(best.probability[70 * 4 + 0] == 1);
  CHECK(broken_assumptions(mdp).size() == 1);
}

TEST_CASE("taxi: 404 of 500 states are reached and the best mean return is 7.93") {
  const TabularMdp<> mdp = taxi_mdp();
  const Evaluation best = optimum(OnCpu(), mdp);
  CHECK(mdp.states() == 500);
  CHECK(reachable(mdp) == 404);
  double total = 0;
  int episodes = 0;
  for (int first = 0; first < 500; ++first) {
    if (mdp.start(first) == 0) continue;
    ++episodes;
    int s = first;
    for (int step = 0; step < 50; ++step) {
      Index pair = s * 6;
      while (best.probability[static_cast<std::size_t>(pair)] == 0) ++pair;
      total += mdp.reward(pair);
      s = mdp.begin(pair)->state;
    }
  }
  CHECK(episodes == 300);
  CHECK(std::fabs(total / episodes - 7.93) < 0.005);
}

TEST_CASE("random processes: numbers of the kind they promise") {
  const TabularMdp<> mdp = random_mdp(6, 4, 0.9, 11);
  for (Index pair = 0; pair < mdp.pairs(); ++pair) {
    const double cents = 100 * mdp.reward(pair);
    CHECK(std::fabs(cents - std::round(cents)) < 1e-12);
    CHECK(mdp.end(pair) - mdp.begin(pair) == 6);
    // Logarithms of probabilities differ by integers 0 to 3.
    for (const auto* n = mdp.begin(pair); n != mdp.end(pair); ++n) {
      const double steps = std::log(n->probability / mdp.begin(pair)->probability);
      CHECK(std::fabs(steps - std::round(steps)) < 1e-12);
      CHECK(std::fabs(steps) < 3.5);
    }
  }
  for (const double logit : mdp.start_logits()) CHECK((logit >= 0 && logit <= 5));
  CHECK(broken_assumptions(mdp).empty());

  // Every successor of a Garnet is as likely as another, and so is its probability in the mean.
  std::vector<double> mass(20, 0);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const TabularMdp<> garnet = garnet_mdp(20, 5, 3, 0.9, seed);
    for (const auto* n = garnet.begin(0); n != garnet.end(garnet.pairs() - 1); ++n)
      mass[static_cast<std::size_t>(n->state)] += n->probability;
  }
  for (const double m : mass) CHECK(std::fabs(m / 250 - 1) < 0.2);
}

}  // namespace optiform::testing
