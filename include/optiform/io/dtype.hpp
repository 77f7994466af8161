// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Element types of tensors in files.
enum class DType { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

/// Bytes of one element.
constexpr Index size_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::i64:
    case DType::u64:
      return 8;
    case DType::f32:
    case DType::i32:
    case DType::u32:
      return 4;
    case DType::f16:
    case DType::bf16:
    case DType::i16:
    case DType::u16:
      return 2;
    case DType::i8:
    case DType::u8:
    case DType::boolean:
      return 1;
  }
  return 0;
}

/// The spelling of safetensors headers.
constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "F64";
    case DType::f32:
      return "F32";
    case DType::f16:
      return "F16";
    case DType::bf16:
      return "BF16";
    case DType::i64:
      return "I64";
    case DType::i32:
      return "I32";
    case DType::i16:
      return "I16";
    case DType::i8:
      return "I8";
    case DType::u64:
      return "U64";
    case DType::u32:
      return "U32";
    case DType::u16:
      return "U16";
    case DType::u8:
      return "U8";
    case DType::boolean:
      return "BOOL";
  }
  return "";
}

/// The inverse of name_of; nothing for a name that is not in the list.
constexpr std::optional<DType> dtype_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(DType::boolean); ++i)
    if (name_of(static_cast<DType>(i)) == name) return static_cast<DType>(i);
  return std::nullopt;
}

constexpr bool is_floating(DType dtype) {
  return dtype == DType::f64 || dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

/// The file type of a C++ scalar: `dtype_of<float>` is DType::f32.
template <class T>
  requires(std::is_arithmetic_v<T> && sizeof(T) <= 8)
inline constexpr DType dtype_of = [] {
  if constexpr (std::is_same_v<T, bool>)
    return DType::boolean;
  else if constexpr (std::is_floating_point_v<T>)
    return sizeof(T) == 8 ? DType::f64 : DType::f32;
  else if constexpr (std::is_signed_v<T>)
    return sizeof(T) == 8   ? DType::i64
           : sizeof(T) == 4 ? DType::i32
           : sizeof(T) == 2 ? DType::i16
                            : DType::i8;
  else
    return sizeof(T) == 8   ? DType::u64
           : sizeof(T) == 4 ? DType::u32
           : sizeof(T) == 2 ? DType::u16
                            : DType::u8;
}();

/// What a file says about one tensor; an empty shape is a single number.
struct TensorDescription {
  std::string name;
  DType dtype = DType::f32;
  std::vector<Index> shape;
};

/// A tensor to be written: row-major, in this machine's memory, alive until the call returns.
struct TensorSource : TensorDescription {
  const void* data = nullptr;
};

/// `[3, 4]`
inline std::string to_string(const std::vector<Index>& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) out += message(i == 0 ? "" : ", ", shape[i]);
  return out + "]";
}

namespace detail {

/// Bytes of a tensor; nothing if an extent is negative or the product leaves 63 bits.
///
/// Zeros do not hide an absurd extent: [0, 2^60, 2^60] has no byte count either.
inline std::optional<std::uint64_t> byte_count(DType dtype, const std::vector<Index>& shape) {
  Index product = size_of(dtype);
  bool empty = false;
  for (const Index extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0)
      empty = true;
    else if (__builtin_mul_overflow(product, extent, &product))
      return std::nullopt;
  }
  return empty ? 0 : static_cast<std::uint64_t>(product);
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
