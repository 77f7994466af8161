// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/shape.hpp>
#include <optiform/oracles/options.hpp>

OPTIFORM_NAMESPACE_BEGIN

template <class T>
struct Dual;
template <class Backend>
struct kernels;
class ParameterTable;

struct Rule;
struct GradientDescent;
struct HeavyBall;
struct Nesterov;
struct TripleMomentum;
struct RmsProp;
struct Adam;
struct AdamW;

struct Gelu;
struct GeluTanh;
struct ReluSquared;
struct Silu;

template <ModelShape Shape, class... Segments>
struct LanguageModel;

struct Reference;

OPTIFORM_NAMESPACE_END
