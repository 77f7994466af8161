// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <optiform/core/parameters.hpp>

OPTIFORM_NAMESPACE_BEGIN
class SafetensorsFile;
OPTIFORM_NAMESPACE_END

namespace optiform::testing {

/// What the PyTorch reference says about one tiny model: tests/parity/fixtures/<name>.safetensors.
/// generate.py lists what it holds. Defined in tests/parity/fixture_test.cpp.
class Fixture {
 public:
  explicit Fixture(const std::string& name);
  ~Fixture();

  std::string text(const std::string& key) const;
  double real(const std::string& key) const;
  Index integer(const std::string& key) const;
  bool contains(const std::string& tensor) const;

  /// All elements of a tensor, row-major. T: float, double (either is converted), std::int32_t.
  template <class T = double>
  std::vector<T> read(const std::string& tensor) const;
  std::vector<std::int32_t> ids(const std::string& tensor) const;

  /// Fills a flat vector with `kind` ("weights" or "gradients") of every parameter.
  /// Throws Error unless names and shapes of the table and of the file are the same.
  template <class T>
  void fill(const std::string& kind, const ParameterTable& table, T* flat) const;

 private:
  std::unique_ptr<SafetensorsFile> file_;
};

}  // namespace optiform::testing
