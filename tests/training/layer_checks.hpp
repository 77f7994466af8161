// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "evaluation_model.hpp"

namespace evaluated {

template <class Rule, class Backend>
struct Layers {
  std::vector<std::int32_t> text = evaluated::text();
  TokenBatches data = evaluated::batches(text, 1);
  typename ExactModel<Model<Rule>>::template on<Backend> model{model_options(3)};

  Layers() {
    auto trainer = evaluated::trainer<Rule>(3);
    model.assign(*trainer);
    model.run(evaluated::batch, evaluated::length, data.tokens.data());
  }
  std::vector<double> column(Index j, bool transposed = false) {
    const auto n = static_cast<std::size_t>(model.size());
    std::vector<double> unit(n), out(n);
    unit[static_cast<std::size_t>(j)] = 1;
    transposed ? model.transposed_product(unit.data(), out.data())
               : model.product(unit.data(), out.data());
    return out;
  }
  /// J by columns, then J by rows: [n, n] each, column-major.
  std::vector<double> explicit_jacobian(bool transposed) {
    std::vector<double> all;
    for (Index j = 0; j < model.size(); ++j) {
      const auto one = column(j, transposed);
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }
};

inline std::vector<double> transpose(const std::vector<double>& a) {
  const auto n = static_cast<std::size_t>(std::lround(std::sqrt(a.size())));
  std::vector<double> b(a.size());
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) b[j * n + i] = a[i * n + j];
  return b;
}

template <class Rule, class Backend>
void check_products() {
  Layers<Rule, Backend> layers;
  for (const auto part : {LayerPart::block, LayerPart::oracle})
    for (Index layer = 0; layer < 3; ++layer) {
      layers.model.select(layer, part);
      const auto forward = layers.explicit_jacobian(false);
      const auto backward = layers.explicit_jacobian(true);
      CHECK(optiform::testing::relative_error(transpose(backward), forward) < 1e-12);
    }
}

}  // namespace evaluated
