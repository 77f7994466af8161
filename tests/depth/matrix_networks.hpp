// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/optiform.hpp>

#include "../support/tiny_model.hpp"

namespace optiform::testing {

// Small networks whose tokens are matrices of 3 x 6.
inline constexpr ModelShape matrix_shape{.width = 18, .heads = 3, .hidden = 11};

template <class R>
using MatrixLayer = TransformerLayer<R, CausalAttention, Mlp<Gelu>>;
template <class R>
using MatrixNetwork = LanguageModel<matrix_shape, MatrixLayer<R>>;
template <class R, class Backend, class T = double>
using TinyMatrixModel = TinyModel<MatrixNetwork<R>, Backend, T>;

}  // namespace optiform::testing
