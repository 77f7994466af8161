// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/shape.hpp>

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

struct CausalAttention;
struct Gelu;
template <class Activation>
struct Mlp;

template <ModelShape Shape, class... Segments>
struct LanguageModel;

struct Reference;

OPTIFORM_NAMESPACE_END
