// SPDX-License-Identifier: MIT
// expect: Decoder - an oracle does not say how it goes on with a sequence; add
#include <optiform/depth/decoder.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/mlp.hpp>
#include <optiform/rules/gradient_descent.hpp>

using namespace optiform;

/// An oracle of somebody else, derived so that it has all of Mlp's members but one.
struct Mixing {
  using gradient_oracle_concept = gradient_oracle_tag;
  static constexpr std::string_view name = "mixing";
#ifdef CONTROL
  static constexpr bool mixes_tokens = false;
#endif
  template <class Backend, class T, ModelShape Shape>
  using on = Mlp<Gelu>::on<Backend, T, Shape>;
};

constexpr ModelShape shape{.width = 12, .heads = 3, .hidden = 48};
using Model = LanguageModel<shape, Layer<ResidualBlock<GradientDescent, Mixing>>>;
using On = Model::on<archetype::OracleBackend, double>;

MemoryPlan plan(const On& model) { return On::Decoder::plan(model, 1, 1); }
