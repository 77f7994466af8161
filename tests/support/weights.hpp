// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <optiform/cpu.hpp>

#include "random_data.hpp"

namespace optiform::testing {

/// Matrices of several shapes and a tensor of every other role.
inline ParameterTable table_of_all_roles() {
  ParameterTable table;
  table.add("square", Role::matrix, {12, 12}, {});
  table.add("tall", Role::matrix, {40, 16}, {});
  table.add("wide", Role::matrix, {16, 48}, {});
  table.add("tokens", Role::embedding, {31, 16}, {});
  table.add("norm", Role::norm, {16}, {});
  table.add("scalar", Role::scalar, {}, {});
  table.add("head", Role::head, {16, 31}, {});
  return table;
}

/// One matrix of the given shape.
inline ParameterTable table_of_matrix(Index rows, Index columns) {
  ParameterTable table;
  table.add("x", Role::matrix, {rows, columns}, {});
  return table;
}

/// An optimizer with its values, stepped by gradients of a function or by random ones.
template <class Optimizer, class Backend, class T>
struct Weights {
  using On = typename Optimizer::template on<Backend, T>;

  explicit Weights(ParameterTable of, typename On::Options options = On::defaults(),
                   int threads = 1)
      : table(std::move(of)), optimizer(table, std::move(options)), context(threads) {
    Rng rng(1);
    values = normal<T>(rng, table.total());
    gradients.assign(values.size(), T(0));
  }

  /// A step along gradients drawn by the step's number.
  void random_step(std::uint64_t number, double rate) {
    Rng rng(100 + number);
    gradients = normal<T>(rng, table.total());
    optimizer.step(context, values.data(), gradients.data(), 0.5, rate);
  }

  ParameterTable table;
  On optimizer;
  context_t<Backend> context;
  std::vector<T> values, gradients;
};

/// The message of the Error that f throws; empty if it throws none.
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace optiform::testing
