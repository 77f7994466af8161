// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <optiform/core/random.hpp>
#include <optiform/environments/tabular/mdp.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A Garnet process: every pair leads to `branching` different random states. Their probabilities
/// are the pieces into which uniform cuts divide [0, 1], so that all distributions are equally
/// likely; rewards are uniform in [0, 1); episodes start anywhere.
///
/// Contract  the same numbers give the same process on every machine.
/// Errors    Error unless 1 <= branching <= states, and as MdpBuilder's.
/// Source    Archibald, McKinnon, Thomas, "On the generation of Markov decision processes", Journal
///           of the Operational Research Society 46, 1995 (Generic Average Reward Non-stationary
///           Environment Testbench).
inline TabularMdp<> garnet_mdp(int states, int actions, int branching, double discount = 0.9,
                               std::uint64_t seed = 1) {
  MdpBuilder builder(states, actions, discount,
                     message("garnet:", states, ",", actions, ",", branching, ",", seed));
  if (branching < 1 || branching > states)
    fail("branching = ", branching, ", expected 1 to ", states, ", the number of states");
  std::vector<int> order(static_cast<std::size_t>(states));
  for (int s = 0; s < states; ++s) order[static_cast<std::size_t>(s)] = s;
  std::vector<double> cut(static_cast<std::size_t>(branching) + 1);
  Rng rng(seed);
  for (int s = 0; s < states; ++s)
    for (int a = 0; a < actions; ++a) {
      builder.reward(s, a, rng.uniform());
      for (std::size_t i = 1; i + 1 < cut.size(); ++i) cut[i] = rng.uniform();
      cut.front() = 0;
      cut.back() = 1;
      std::sort(cut.begin(), cut.end());
      for (std::size_t i = 0; i + 1 < cut.size(); ++i) {
        // A shuffle that is not finished: the front is a fair choice whatever was there before.
        std::swap(order[i], order[i + static_cast<std::size_t>(rng.below(order.size() - i))]);
        builder.transition(s, a, order[i], cut[i + 1] - cut[i]);
      }
    }
  return builder.build();
}

/// A random process without zeros: each row is the softmax of integers 0 to 3, rewards are uniform
/// in [0, 1] rounded to two digits, start logits are integers 0 to 5; episodes start anywhere.
///
/// Source    the generator of Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024.
inline TabularMdp<> random_mdp(int states, int actions, double discount = 0.9,
                               std::uint64_t seed = 1) {
  MdpBuilder builder(states, actions, discount,
                     message("random:", states, ",", actions, ",", seed));
  std::vector<double> weight(static_cast<std::size_t>(states)), logits;
  Rng rng(seed);
  for (int s = 0; s < states; ++s)
    for (int a = 0; a < actions; ++a) {
      double sum = 0;
      for (double& w : weight) sum += w = math::exp(static_cast<double>(rng.below(4)));
      for (int next = 0; next < states; ++next)
        builder.transition(s, a, next, weight[static_cast<std::size_t>(next)] / sum);
      builder.reward(s, a, static_cast<int>(100 * rng.uniform() + 0.5) / 100.0);
      logits.push_back(static_cast<double>(rng.below(6)));
    }
  builder.start_logits(std::move(logits));
  return builder.build();
}

OPTIFORM_NAMESPACE_END
