// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/depth/language_model.hpp>

#include "random_data.hpp"

namespace optiform::testing {

/// A small model with random parameters of order one (nothing sits at its initial value), a batch
/// of random tokens, and access to parameters by name.
template <class Model, class Backend, class T>
class TinyModel {
 public:
  using On = typename Model::template on<Backend, T>;
  static constexpr Index vocabulary = 13, context = 6, batch = 2, length = 5;

  explicit TinyModel(Index layers = 2, std::uint64_t seed = 1)
      : model({.vocabulary = vocabulary, .context = context, .layers = {layers}}),
        values(model.parameters().total()),
        gradients(model.parameters().total()),
        workspace(model.workspace(batch, length, Pass::training)),
        run(1) {
    Rng rng(seed);
    tokens = ids(rng, batch * length, vocabulary);
    targets = ids(rng, batch * length, vocabulary);
    for (const auto& p : model.parameters().entries()) {
      const double mean = p.role == Role::norm ? 1 : 0;
      const double deviation = p.role == Role::matrix ? 0.2 : p.role == Role::norm ? 0.2 : 0.5;
      for (Index i = 0; i < p.size; ++i)
        values[p.offset + i] = static_cast<T>(mean + deviation * rng.normal());
    }
  }

  T* at(const std::string& name) { return values.data() + info(name).offset; }
  const T* gradient(const std::string& name) { return gradients.data() + info(name).offset; }
  bool has(const std::string& name) const { return model.parameters().find(name) != nullptr; }

  /// Sets the raw value of a coefficient in every step: "mu" for layers.*.mu_*_raw.
  void set_raw(const std::string& coefficient, double raw) {
    for (const auto& p : model.parameters().entries()) {
      const auto last = p.name.substr(p.name.rfind('.') + 1);
      if (p.role == Role::scalar && last.starts_with(coefficient + "_"))
        values[p.offset] = static_cast<T>(raw);
    }
  }
  /// Takes over every parameter that the other model has too; gains of its norms stay.
  template <class Other>
  void copy_from(Other& other) {
    for (const auto& p : model.parameters().entries())
      if (other.has(p.name))
        for (Index i = 0; i < p.size; ++i)
          values[p.offset + i] = static_cast<T>(other.at(p.name)[i]);
    tokens = other.tokens;
    targets = other.targets;
  }

  std::vector<T> logits() {
    std::vector<T> out(static_cast<std::size_t>(batch * length * vocabulary));
    model.logits(run, values.data(), workspace, tokens.data(), out.data());
    return out;
  }
  double loss_and_gradients() {
    for (T& g : gradients) g = T(0);
    return model.loss_and_gradients(run, values.data(), workspace, tokens.data(), targets.data(),
                                    gradients.data());
  }

  On model;
  Buffer<T> values, gradients;
  std::vector<std::int32_t> tokens, targets;
  typename On::Workspace workspace;
  context_t<Backend> run;

 private:
  const ParameterInfo& info(const std::string& name) const {
    const auto* found = model.parameters().find(name);
    if (found == nullptr) fail("the model has no parameter '", name, "'");
    return *found;
  }
};

}  // namespace optiform::testing
