// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/io/atomic_file.hpp>
#include <optiform/io/dtype.hpp>
#include <optiform/io/xtensor.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xnpy.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// What the header of a .npy file says.
struct NpyHeader {
  std::string descr;
  bool fortran_order = false;
  std::vector<Index> shape;
  std::uint64_t data_begin = 0;
};

/// Reads the Python dictionary of a .npy header; every function returns false on a surprise.
class NpyHeaderParser {
 public:
  explicit NpyHeaderParser(std::string_view text) : rest_(text) {}

  bool parse(NpyHeader& header) {
    bool seen[3] = {};
    if (!take('{')) return false;
    while (!take('}')) {
      std::string key;
      if (!string(key) || !take(':')) return false;
      const int field = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : 3;
      if (field == 3 || seen[field]) return false;
      seen[field] = true;
      if (field == 0 && !string(header.descr)) return false;
      if (field == 1 && !boolean(header.fortran_order)) return false;
      if (field == 2 && !tuple(header.shape)) return false;
      if (!take(',') && peek() != '}') return false;
    }
    return seen[0] && seen[1] && seen[2] && peek() == '\0';
  }

 private:
  char peek() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
    return rest_.empty() ? '\0' : rest_[0];
  }
  bool take(char c) {
    if (peek() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool string(std::string& out) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return false;
    const auto end = rest_.find(quote, 1);
    if (end == std::string_view::npos) return false;
    out = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool boolean(bool& out) {
    out = peek() == 'T';
    const std::string_view word = out ? "True" : "False";
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool tuple(std::vector<Index>& out) {
    if (!take('(')) return false;
    while (!take(')')) {
      Index extent = 0;
      if (peek() < '0' || peek() > '9') return false;
      for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1))
        if (__builtin_mul_overflow(extent, 10, &extent) ||
            __builtin_add_overflow(extent, rest_[0] - '0', &extent))
          return false;
      out.push_back(extent);
      if (!take(',') && peek() != ')') return false;
    }
    return true;
  }

  std::string_view rest_;
};

template <class... Parts>
[[noreturn]] void refuse_npy(const InputFile& file, const Parts&... parts) {
  fail("cannot use the .npy file ", in_quotes(file.path()), ": ", parts...);
}

/// Reads and checks a header completely: afterwards the file is known to hold exactly the data.
template <class T>
NpyHeader read_npy_header(const InputFile& file) {
  unsigned char start[12] = {};
  if (file.size() >= 10) file.read_at(0, start, std::min<std::uint64_t>(file.size(), 12));
  if (std::string_view(reinterpret_cast<const char*>(start), 6) != "\x93NUMPY")
    refuse_npy(file, "it does not begin as such a file does");
  const int version = start[6];
  if (version < 1 || version > 3 || start[7] != 0)
    refuse_npy(file, "its format version ", version, ".", int{start[7]}, " is unknown");
  std::uint64_t begin = version == 1 ? 10 : 12, length = 0;
  for (std::uint64_t i = begin; i-- > 8;) length = length << 8 | start[i];
  if (file.size() < begin || length > file.size() - begin || length > 1'000'000)
    refuse_npy(file, "it is truncated or its header length ", length, " is wrong");
  std::string text(static_cast<std::size_t>(length), '\0');
  file.read_at(begin, text.data(), length);
  NpyHeader header;
  header.data_begin = begin + length;
  if (!NpyHeaderParser(text).parse(header)) refuse_npy(file, "its header is malformed");
  const std::string expected = xt::detail::build_typestring<T>();
  if (header.descr != expected)
    refuse_npy(file, "its type is ", in_quotes(header.descr), ", expected ", in_quotes(expected));
  if (header.fortran_order && header.shape.size() > 1)
    refuse_npy(file, "it is in Fortran order, expected C order (numpy.ascontiguousarray)");
  const auto bytes = byte_count(dtype_of<T>, header.shape);
  if (!bytes || *bytes != file.size() - header.data_begin)
    refuse_npy(file, "its shape ", to_string(header.shape), " does not fit its ",
               file.size() - header.data_begin, " bytes of data");
  return header;
}

}  // namespace detail

/// Reads a .npy file of exactly this element type.
///
/// Why not xt::load_npy: it believes the header, and allocates what that says.
///
/// Errors    Error for a missing, truncated or damaged file, another type, or Fortran order.
template <class T>
  requires(!std::is_same_v<T, bool>)
xt::xarray<T> load_npy(const std::filesystem::path& path) {
  const InputFile file(path);
  const auto header = detail::read_npy_header<T>(file);
  xt::xarray<T> out;
  out.resize(std::vector<std::size_t>(header.shape.begin(), header.shape.end()));
  file.read_at(header.data_begin, out.data(), file.size() - header.data_begin);
  return out;
}

/// Reads a .npy file into a tensor that has its shape already.
template <class T, int Rank>
  requires(!std::is_same_v<T, bool> && !std::is_const_v<T>)
void load_npy(const std::filesystem::path& path, TensorRef<T, Rank> out) {
  const InputFile file(path);
  const auto header = detail::read_npy_header<T>(file);
  const std::vector<Index> expected(out.extent, out.extent + Rank);
  if (header.shape != expected)
    detail::refuse_npy(file, "its shape is ", to_string(header.shape), ", expected ",
                       to_string(expected));
  file.read_at(header.data_begin, out.data, file.size() - header.data_begin);
}

/// Writes an xtensor expression as a .npy file, completely or not at all (see AtomicFile).
template <class E>
void save_npy(const std::filesystem::path& path, const xt::xexpression<E>& expression) {
  AtomicFile file(path);
  if constexpr (std::is_base_of_v<xt::xcontainer<E>, E> &&
                E::static_layout == xt::layout_type::row_major) {
    file.write(xt::dump_npy(expression));
  } else {
    // dump_npy would call xt::eval, which in xtensor 0.24 with g++ 12 and C++20 adds two axes.
    const xt::xarray<typename E::value_type> values(expression);
    file.write(xt::dump_npy(values));
  }
  file.commit();
}

/// Writes a tensor as a .npy file, completely or not at all.
template <class T, int Rank>
void save_npy(const std::filesystem::path& path, TensorRef<T, Rank> tensor) {
  save_npy(path, as_xtensor(tensor));
}

OPTIFORM_NAMESPACE_END
