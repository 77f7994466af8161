// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <unordered_map>

#include <optiform/io/atomic_file.hpp>
#include <optiform/io/checksum.hpp>
#include <optiform/io/half.hpp>
#include <optiform/io/safetensors_header.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// CRC-64 of every byte of a safetensors file, cut where the tensors are.
struct SafetensorsChecksums {
  std::uint64_t file_bytes = 0, header_bytes = 0;
  std::uint64_t header = 0;                                    ///< length field, JSON and padding
  std::vector<std::pair<std::string, std::uint64_t>> tensors;  ///< in file order
  bool operator==(const SafetensorsChecksums&) const = default;
};

struct SafetensorsOptions {
  /// torch.compile writes `_orig_mod.` into names: drop it, so that they are the model's own.
  bool strip_orig_mod = true;
};

/// Writes tensors to a safetensors file, completely or not at all (see AtomicFile).
///
/// Shapes    larger element types come first, so that all data is aligned; else the given order.
/// Contract  the same input gives the same bytes.
/// Errors    Error for a duplicate, reserved or non-UTF-8 name, an impossible shape, missing
///           data, or a failing write; an existing file is unchanged then.
/// Source    https://huggingface.co/docs/safetensors: u64 header length, JSON header, data.
inline SafetensorsChecksums write_safetensors(
    const std::filesystem::path& path, const std::vector<TensorSource>& tensors,
    const std::map<std::string, std::string>& metadata = {}) {
  std::vector<const TensorSource*> order;
  std::set<std::string_view> names{"__metadata__"};
  for (const TensorSource& tensor : tensors) {
    if (!names.insert(tensor.name).second)
      fail("cannot write ", in_quotes(path), ": the name ", in_quotes(tensor.name),
           " is reserved or used twice");
    order.push_back(&tensor);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return size_of(a->dtype) > size_of(b->dtype);
  });
  std::string header(8, '\0');
  const auto text = [&](const std::string& value) {
    try {
      return nlohmann::json(value).dump();
    } catch (const nlohmann::json::exception&) {
      fail("cannot write ", in_quotes(path), ": ", in_quotes(value), " is not UTF-8 text");
    }
  };
  const auto open_entry = [&](const std::string& name) {
    header += (header.size() == 8 ? "{" : ",") + text(name) + ":";
  };
  if (!metadata.empty()) {
    open_entry("__metadata__");
    char separator = '{';
    for (const auto& [key, value] : metadata) {
      header += separator + text(key) + ":" + text(value);
      separator = ',';
    }
    header += '}';
  }
  std::vector<std::uint64_t> bytes;
  std::uint64_t offset = 0;
  for (const TensorSource* tensor : order) {
    const auto count = detail::byte_count(tensor->dtype, tensor->shape);
    if (!count || *count > static_cast<std::uint64_t>(INT64_MAX) - offset)
      fail("cannot write ", in_quotes(path), ": tensor ", in_quotes(tensor->name),
           " has the impossible shape ", to_string(tensor->shape));
    if (*count != 0 && tensor->data == nullptr)
      fail("cannot write ", in_quotes(path), ": tensor ", in_quotes(tensor->name), " has no data");
    open_entry(tensor->name);
    header += message(R"({"dtype":")", name_of(tensor->dtype), R"(","shape":[)");
    for (std::size_t i = 0; i < tensor->shape.size(); ++i)
      header += message(i == 0 ? "" : ",", tensor->shape[i]);
    header += message(R"(],"data_offsets":[)", offset, ",", offset + *count, "]}");
    offset += *count;
    bytes.push_back(*count);
  }
  header += header.size() == 8 ? "{}" : "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');  // data starts at a multiple of 8
  const std::uint64_t length = header.size() - 8;
  std::memcpy(header.data(), &length, 8);

  SafetensorsChecksums sums{
      header.size() + offset, header.size(), crc64(header.data(), header.size()), {}};
  AtomicFile file(path);
  file.write(header);
  for (std::size_t i = 0; i < order.size(); ++i) {
    // Pieces that the cache holds: the checksum then reads what the write has just read.
    const auto* data = static_cast<const char*>(order[i]->data);
    Crc64 crc;
    for (std::uint64_t at = 0; at < bytes[i];) {
      const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(bytes[i] - at, 1u << 18));
      crc.update(data + at, piece);
      file.write(data + at, piece);
      at += piece;
    }
    sums.tensors.emplace_back(order[i]->name, crc.value());
  }
  file.commit();
  return sums;
}

/// A safetensors file open for reading: what it holds, and the tensors one by one.
///
///   SafetensorsFile file("model.safetensors");
///   file.read("layers.0.mlp.w1.weight", {3072, 768}, values);
///
/// Contract  the header is checked completely on opening: every tensor lies inside the file, none
///           overlap, nothing is left over. Data is read on request and converted among F16,
///           BF16, F32 and F64; integers only to their own type. No more memory is taken than the
///           header is long (at most 100 MB).
/// Errors    Error with one sentence that names the file, the tensor and what was expected.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path, SafetensorsOptions options = {})
      : file_(path) {
    constexpr std::uint64_t longest_header = 100'000'000;  // the limit of the format
    std::uint64_t length = 0;
    if (file_.size() < 8) refuse("it is ", file_.size(), " bytes long, too short for a header");
    file_.read_at(0, &length, 8);
    if (length > longest_header)
      refuse_header(length, "its header claims ", length, " bytes, over 100 MB");
    if (length > file_.size() - 8)
      refuse_header(length, "it is truncated: its header claims ", length, " bytes, ",
                    file_.size() - 8, " follow");
    header_bytes_ = 8 + length;
    std::string text(static_cast<std::size_t>(length), '\0');
    file_.read_at(8, text.data(), length);
    if (text.empty() || text[0] != '{') refuse_header(length, "its header does not begin with '{'");
    const auto zero = text.find('\0');  // where the JSON parser would stop without a word
    if (zero != std::string::npos) refuse("its JSON header is malformed near byte ", zero);
    detail::SafetensorsHeaderParser parser;
    if (!nlohmann::json::sax_parse(text, &parser)) refuse(parser.problem);
    const std::string problem = detail::check_layout(parser.entries, file_.size() - header_bytes_);
    if (!problem.empty()) refuse(problem);
    metadata_ = std::move(parser.metadata);
    for (detail::SafetensorsEntry& entry : parser.entries) {
      if (options.strip_orig_mod) strip(entry.tensor.name);
      if (!places_.emplace(entry.tensor.name, Place{tensors_.size(), entry.begin}).second)
        refuse("without '_orig_mod.' it holds ", in_quotes(entry.tensor.name), " twice");
      tensors_.push_back(std::move(entry.tensor));
    }
  }

  const std::filesystem::path& path() const { return file_.path(); }
  /// In the order of their data.
  const std::vector<TensorDescription>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  bool contains(const std::string& name) const { return places_.count(name) != 0; }

  const TensorDescription& describe(const std::string& name) const {
    return tensors_[place(name).index];
  }

  /// Reads a tensor of exactly this shape; `out` has room for all its elements.
  template <class T>
    requires(!std::is_same_v<T, bool>)  // a byte that is neither 0 nor 1 is no bool: use uint8_t
  void read(const std::string& name, const std::vector<Index>& shape, T* out) const {
    const Place at = place(name);
    const TensorDescription& tensor = tensors_[at.index];
    if (tensor.shape != shape)
      refuse("tensor ", in_quotes(name), " has shape ", to_string(tensor.shape), ", expected ",
             to_string(shape));
    const std::uint64_t bytes = *detail::byte_count(tensor.dtype, shape);
    const std::uint64_t begin = header_bytes_ + at.begin;
    const bool as_bytes = std::is_same_v<T, std::uint8_t> && tensor.dtype == DType::boolean;
    if (tensor.dtype == dtype_of<T> || as_bytes) return file_.read_at(begin, out, bytes);
    if constexpr (std::is_floating_point_v<T>) {
      switch (tensor.dtype) {
        case DType::f64:
          return convert<double>(begin, bytes, out);
        case DType::f32:
          return convert<float>(begin, bytes, out);
        case DType::f16:
          return convert<Half>(begin, bytes, out);
        case DType::bf16:
          return convert<BFloat16>(begin, bytes, out);
        default:
          break;
      }
    }
    refuse("tensor ", in_quotes(name), " has type ", name_of(tensor.dtype), ", expected ",
           std::is_floating_point_v<T> ? "a floating-point type" : name_of(dtype_of<T>));
  }

  /// Reads the whole file once, in order, and returns what write_safetensors returned for it.
  SafetensorsChecksums checksums() const {
    SafetensorsChecksums sums{file_.size(), header_bytes_, checksum(0, header_bytes_), {}};
    for (const TensorDescription& tensor : tensors_)
      sums.tensors.emplace_back(tensor.name,
                                checksum(header_bytes_ + places_.at(tensor.name).begin,
                                         *detail::byte_count(tensor.dtype, tensor.shape)));
    return sums;
  }

 private:
  struct Place {
    std::size_t index;
    std::uint64_t begin;
  };
  static constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 18;

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail("cannot use the safetensors file ", in_quotes(file_.path()), ": ", parts...);
  }

  /// Of what is no safetensors file, and may begin like one of torch.save: a zip archive or a
  /// pickle.
  template <class... Parts>
  [[noreturn]] void refuse_header(std::uint64_t first_bytes, const Parts&... parts) const {
    if ((first_bytes & 0xFFFFFFFF) == 0x04034B50 || (first_bytes & 0xFF) == 0x80)
      refuse(
          "it is a file of torch.save, expected safetensors; docs/interchange.md shows how Python "
          "makes one of the other");
    refuse(parts...);
  }

  /// Drops `_orig_mod.` wherever a component of the dotted name begins.
  static void strip(std::string& name) {
    constexpr std::string_view mark = "_orig_mod.";
    for (std::size_t at = 0; (at = name.find(mark, at)) != std::string::npos;)
      if (at == 0 || name[at - 1] == '.')
        name.erase(at, mark.size());
      else
        at += mark.size();
  }

  Place place(const std::string& name) const {
    const auto found = places_.find(name);
    if (found == places_.end()) refuse("it holds no tensor ", in_quotes(name));
    return found->second;
  }

  template <class Stored, class T>
  void convert(std::uint64_t begin, std::uint64_t bytes, T* out) const {
    const auto stored = std::make_unique<Stored[]>(piece_bytes / sizeof(Stored));
    for (std::uint64_t at = 0; at < bytes; at += piece_bytes) {
      const std::uint64_t piece = std::min(piece_bytes, bytes - at);
      file_.read_at(begin + at, stored.get(), piece);
      for (std::size_t i = 0; i < piece / sizeof(Stored); ++i) {
        if constexpr (std::is_class_v<Stored>)
          *out++ = static_cast<T>(to_float(stored[i]));
        else
          *out++ = static_cast<T>(stored[i]);
      }
    }
  }

  std::uint64_t checksum(std::uint64_t begin, std::uint64_t bytes) const {
    const auto buffer = std::make_unique<char[]>(piece_bytes);
    Crc64 crc;
    for (std::uint64_t at = 0; at < bytes; at += piece_bytes) {
      const std::uint64_t piece = std::min(piece_bytes, bytes - at);
      file_.read_at(begin + at, buffer.get(), piece);
      crc.update(buffer.get(), static_cast<std::size_t>(piece));
    }
    return crc.value();
  }

  InputFile file_;
  std::uint64_t header_bytes_ = 0;
  std::vector<TensorDescription> tensors_;
  std::unordered_map<std::string, Place> places_;
  std::map<std::string, std::string> metadata_;
};

OPTIFORM_NAMESPACE_END
