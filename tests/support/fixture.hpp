// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <optiform/core/error.hpp>
#include <optiform/core/parameters.hpp>
#include <optiform/io/safetensors.hpp>
#include <string>
#include <vector>

namespace optiform::testing {

/// What the PyTorch reference says about one tiny model: tests/parity/fixtures/<name>.safetensors.
/// generate.py lists what it holds.
class Fixture {
 public:
  explicit Fixture(const std::string& name)
      : file_(std::string(OPTIFORM_SOURCE_DIR "/tests/parity/fixtures/") + name + ".safetensors") {}

  std::string text(const std::string& key) const { return file_.metadata().at(key); }
  double real(const std::string& key) const { return std::stod(text(key)); }
  Index integer(const std::string& key) const { return std::stol(text(key)); }
  bool contains(const std::string& tensor) const { return file_.contains(tensor); }
  const std::vector<TensorDescription>& tensors() const { return file_.tensors(); }

  /// All elements of a tensor, row-major. Floating-point types are converted.
  template <class T = double>
  std::vector<T> read(const std::string& tensor) const {
    const auto& shape = file_.describe(tensor).shape;
    Index size = 1;
    for (const Index extent : shape) size *= extent;
    std::vector<T> values(static_cast<std::size_t>(size));
    file_.read(tensor, shape, values.data());
    return values;
  }
  std::vector<std::int32_t> ids(const std::string& tensor) const {
    return read<std::int32_t>(tensor);
  }

  /// Fills a flat vector with `kind` ("weights" or "gradients") of every parameter.
  /// Throws Error unless names and shapes of the table and of the file are the same.
  template <class T>
  void fill(const std::string& kind, const ParameterTable& table, T* flat) const {
    const auto in_file = [&](const TensorDescription& t) { return t.name.starts_with(kind + "."); };
    const auto stored = std::count_if(tensors().begin(), tensors().end(), in_file);
    for (const auto& entry : table.entries())
      file_.read(kind + "." + entry.name, entry.shape, flat + entry.offset);
    if (stored != static_cast<Index>(table.entries().size()))
      fail("the model has ", table.entries().size(), " parameters, the fixture ", stored);
  }

 private:
  SafetensorsFile file_;
};

}  // namespace optiform::testing
