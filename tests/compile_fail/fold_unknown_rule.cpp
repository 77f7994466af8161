// SPDX-License-Identifier: MIT
// expect: it is not known how this rule folds; specialise RuleFolding
#include <optiform/depth/folding.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/mlp.hpp>

using namespace optiform;

#ifdef CONTROL
using Mine = TripleMomentum;
#else
struct Mine : TripleMomentum {};
#endif

using Network = LanguageModel<archetype::oracle_shape, Layer<ResidualBlock<Mine, Mlp<Gelu>>>>;
using Deployed = Folded<Network>;
Deployed* deployed = nullptr;
