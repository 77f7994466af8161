// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/optiform.hpp>

/// The network of a rule: the usual Transformer whose layers are its steps.
template <class Rule, optiform::DepthOptions Depth = {}>
struct Family {
  template <optiform::ModelShape shape>
  using Network = optiform::LanguageModel<
      shape, optiform::Stack<optiform::TransformerLayer<Rule, optiform::CausalAttention,
                                                        optiform::Mlp<optiform::Gelu>, Depth>>>;
};
