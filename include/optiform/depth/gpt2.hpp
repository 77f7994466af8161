// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/depth/language_model.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>
#include <optiform/rules/gradient_descent.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A layer of GPT-2: biases in projections and norms, a Gelu of tanh.
using Gpt2Layer = TransformerLayer<GradientDescent, Attention<AttentionOptions{.biases = true}>,
                                   Mlp<GeluTanh, MlpOptions{.biases = true}>,
                                   DepthOptions{.pre_norm = Norm::biased_layer_norm}>;

/// GPT-2 as it was published: its released weights give its logits.
///
///   Gpt2<gpt2_small>::on<Cpu, float> model({.vocabulary = 50257});
///   read_gpt2(SafetensorsFile("model.safetensors"), model.parameters(), values);
///
/// Source    Radford et al., "Language models are unsupervised multitask learners", 2019.
/// See       <optiform/io/gpt2.hpp>; docs/interchange.md.
template <ModelShape Shape = gpt2_small>
using Gpt2 =
    LanguageModel<Shape, Stack<Gpt2Layer>, Head<HeadOptions{.norm = Norm::biased_layer_norm}>>;

OPTIFORM_NAMESPACE_END
