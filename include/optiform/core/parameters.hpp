// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What a tensor is for; optimizer groups go by it, never by names. Biases are trained like the
/// vectors of a norm.
/// A head is the read-out's own matrix: shaped like one, trained like an embedding.
enum class Role { matrix, embedding, norm, scalar, head };
inline constexpr int role_count = 5;

/// Some of the roles.
class Roles {
 public:
  constexpr Roles(std::initializer_list<Role> roles) {
    for (const Role role : roles) bits_ |= 1u << static_cast<unsigned>(role);
  }
  static constexpr Roles all() {
    return {Role::matrix, Role::embedding, Role::norm, Role::scalar, Role::head};
  }
  constexpr bool contains(Role role) const { return (bits_ >> static_cast<unsigned>(role)) & 1u; }
  /// Those that are not among these.
  constexpr Roles others() const {
    Roles rest = all();
    rest.bits_ &= ~bits_;
    return rest;
  }

 private:
  unsigned bits_ = 0;
};

/// How a parameter starts: N(0, deviation^2), or a constant.
struct Initialisation {
  double deviation = 0;
  double constant = 0;
  static constexpr Initialisation normal(double deviation) { return {deviation, 0}; }
  static constexpr Initialisation value(double constant) { return {0, constant}; }
};

/// One learnable tensor inside the flat parameter vector.
struct ParameterInfo {
  std::string name;
  Role role = Role::matrix;
  std::vector<Index> shape;  ///< empty for a 0-dimensional tensor
  Initialisation initialisation;
  Index offset = 0;  ///< first element in the flat vector
  Index size = 1;    ///< product of shape
};

/// The layout of all learnable tensors in one flat vector. Parameters, gradients and every
/// optimizer stream share it.
///
/// Contract  tensors start at multiples of `alignment` elements; the gaps stay zero.
class ParameterTable {
 public:
  static constexpr Index alignment = 16;

  /// Appends a tensor and returns its offset. Throws Error if the name is taken.
  Index add(std::string name, Role role, std::vector<Index> shape, Initialisation initialisation) {
    if (find(name) != nullptr) fail("parameter '", name, "' is defined twice");
    Index size = 1;
    for (const Index extent : shape) size *= extent;
    const Index offset = total_;
    entries_.push_back({std::move(name), role, std::move(shape), initialisation, offset, size});
    total_ += (size + alignment - 1) / alignment * alignment;
    return offset;
  }

  const std::vector<ParameterInfo>& entries() const { return entries_; }
  /// Elements of the flat vector, gaps included.
  Index total() const { return total_; }
  /// Number of learnable scalars.
  Index count() const {
    Index sum = 0;
    for (const auto& entry : entries_) sum += entry.size;
    return sum;
  }
  const ParameterInfo* find(std::string_view name) const {
    for (const auto& entry : entries_)
      if (entry.name == name) return &entry;
    return nullptr;
  }

 private:
  std::vector<ParameterInfo> entries_;
  Index total_ = 0;
};

OPTIFORM_NAMESPACE_END
