// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <doctest/doctest.h>

#include "../support/tiny_model.hpp"

namespace optiform::testing {

/// Changing token k changes the logits at k, and none before it or in another sequence.
template <class Model, class Backend, class T>
void check_causality() {
  TinyModel<Model, Backend, T> model;
  const auto before = model.logits();
  const Index length = model.length, vocabulary = model.vocabulary;
  for (Index changed = 0; changed < model.batch * length; ++changed) {
    auto& token = model.tokens[static_cast<std::size_t>(changed)];
    const auto kept = token;
    token = (token + 5) % static_cast<std::int32_t>(vocabulary);
    const auto after = model.logits();
    token = kept;
    for (Index row = 0; row < model.batch * length; ++row) {
      const auto first = before.begin() + row * vocabulary;
      const bool same = std::equal(first, first + vocabulary, after.begin() + row * vocabulary);
      const bool earlier = row < changed, other_sequence = row / length != changed / length;
      INFO("token ", changed, " row ", row);
      CHECK(same == (earlier || other_sequence));
    }
  }
}

}  // namespace optiform::testing
