// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>
#include <optiform/io/dtype.hpp>
#include <optiform/io/file.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

struct SafetensorsEntry {
  TensorDescription tensor;
  std::uint64_t begin = 0, end = 0;  ///< relative to the first byte after the header
};

/// Understands a safetensors header while it is being parsed: no tree is built, and the first
/// token that does not belong stops the parser, so that neither deep nesting nor a long list of
/// nonsense costs memory. The functions are the events of nlohmann::json's SAX interface.
class SafetensorsHeaderParser {
 public:
  std::vector<SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
  std::string problem;  ///< set when a function has returned false

  bool null() { return refuse("null"); }
  bool boolean(bool) { return refuse("a boolean"); }
  bool number_integer(std::int64_t) { return refuse("a negative number"); }
  bool number_float(double, const std::string&) {
    return refuse("a number that is no 64-bit unsigned integer");
  }
  bool binary(std::vector<std::uint8_t>&) { return refuse("binary data"); }

  bool number_unsigned(std::uint64_t value) {
    if (place_ != Place::list) return refuse("a number");
    numbers_.push_back(value);
    return true;
  }

  bool string(std::string& value) {
    if (place_ == Place::metadata) {
      metadata.emplace(key_, value);
      return true;
    }
    if (place_ != Place::tensor || key_ != "dtype") return refuse("a string");
    const auto dtype = dtype_named(value);
    if (!dtype) return stop(subject(), " has the unsupported dtype ", in_quotes(value));
    entries.back().tensor.dtype = *dtype;
    return true;
  }

  bool start_object(std::size_t) {
    if (place_ == Place::outside) return enter(Place::top);
    if (place_ != Place::top) return refuse("an object");
    if (name_ == "__metadata__") return enter(Place::metadata);
    entries.emplace_back().tensor.name = name_;
    return enter(Place::tensor);
  }

  bool key(std::string& value) {
    if (place_ == Place::top) {
      name_ = value;
      if (!names_.insert(value).second) return stop("it holds ", in_quotes(value), " twice");
      return true;
    }
    key_ = value;
    if (place_ == Place::tensor && value != "dtype" && value != "shape" && value != "data_offsets")
      return stop(subject(), " has the unknown field ", in_quotes(value));
    if (!keys_.insert(value).second) return stop(subject(), " has ", in_quotes(value), " twice");
    return true;
  }

  bool end_object() {
    if (place_ == Place::tensor && keys_.size() != 3)
      return stop(subject(), " lacks one of dtype, shape and data_offsets");
    keys_.clear();
    return enter(place_ == Place::top ? Place::outside : Place::top);
  }

  bool start_array(std::size_t) {
    if (place_ != Place::tensor || key_ == "dtype") return refuse("an array");
    numbers_.clear();
    return enter(Place::list);
  }

  bool end_array() {
    SafetensorsEntry& entry = entries.back();
    if (key_ == "shape") {
      for (const std::uint64_t extent : numbers_) {
        if (extent > static_cast<std::uint64_t>(INT64_MAX))
          return stop(subject(), " has an impossible extent ", extent);
        entry.tensor.shape.push_back(static_cast<Index>(extent));
      }
    } else {
      if (numbers_.size() != 2)
        return stop(subject(), " has data_offsets that are not two numbers");
      entry.begin = numbers_[0];
      entry.end = numbers_[1];
    }
    return enter(Place::tensor);
  }

  template <class Exception>
  bool parse_error(std::size_t position, const std::string&, const Exception&) {
    return stop("its JSON header is malformed near byte ", position);
  }

 private:
  enum class Place { outside, top, metadata, tensor, list };

  bool enter(Place place) {
    place_ = place;
    return true;
  }
  std::string subject() const {
    return place_ == Place::metadata ? "its __metadata__" : "tensor " + in_quotes(name_);
  }
  bool refuse(std::string_view what) {
    if (place_ == Place::outside) return stop("its header is ", what, ", not an object");
    if (place_ == Place::top)
      return stop("entry ", in_quotes(name_), " is ", what, ", not an object");
    return stop(subject(), " has ", what, " under ", in_quotes(key_));
  }
  template <class... Parts>
  bool stop(const Parts&... parts) {
    if (problem.empty()) problem = message(parts...);
    return false;
  }

  Place place_ = Place::outside;
  std::string name_, key_;
  std::set<std::string, std::less<>> names_, keys_;
  std::vector<std::uint64_t> numbers_;
};

/// Checks that the tensors tile [0, data_bytes) and are as long as they say; sorts them by place.
/// Returns the complaint, or nothing.
inline std::string check_layout(std::vector<SafetensorsEntry>& entries, std::uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t expected = 0;
  for (const SafetensorsEntry& entry : entries) {
    const TensorDescription& tensor = entry.tensor;
    const auto bytes = byte_count(tensor.dtype, tensor.shape);
    const std::string who = "tensor " + in_quotes(tensor.name);
    if (!bytes) return who + " has the impossible shape " + to_string(tensor.shape);
    if (entry.end < entry.begin || entry.end > data_bytes)
      return message(who, " lies at bytes ", entry.begin, " to ", entry.end, " of ", data_bytes,
                     " bytes of data");
    if (entry.begin < expected) return who + " overlaps the tensor before it";
    if (entry.begin > expected)
      return message(who, " leaves a gap of ", entry.begin - expected, " bytes before it");
    if (entry.end - entry.begin != *bytes)
      return message(who, " of shape ", to_string(tensor.shape), " and type ",
                     name_of(tensor.dtype), " needs ", *bytes, " bytes but has ",
                     entry.end - entry.begin);
    expected = entry.end;
  }
  if (expected != data_bytes)
    return message("its tensors cover ", expected, " of ", data_bytes, " bytes of data");
  return "";
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
