// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/depth/gpt2.hpp>

#include "family.hpp"

/// GPT-2 as published: gradient descent with its biases and its activation.
struct PublishedGpt2 {};
template <>
struct Family<PublishedGpt2> {
  template <optiform::ModelShape shape>
  using Network = optiform::Gpt2<shape>;
};
