// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>

#include <optiform/core/parameters.hpp>
#include <optiform/io/rule_names.hpp>
#include <optiform/io/safetensors.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The tensors of a flat parameter vector, to be written under their names. Nothing is copied.
template <class T>
std::vector<TensorSource> parameter_sources(const ParameterTable& table, const T* values) {
  std::vector<TensorSource> sources;
  for (const ParameterInfo& entry : table.entries())
    sources.push_back({{entry.name, dtype_of<T>, entry.shape}, values + entry.offset});
  return sources;
}

namespace detail {

/// What stands before the names of a file's weights, if anything: `model.` or `model_state_dict.`
/// where they were a part of a training dictionary beside `optimizer_muon.`, `step` and others,
/// `module.` of a model that was trained on several devices, or these one after the other.
inline std::string weights_prefix(const SafetensorsFile& file) {
  std::string prefix;
  const auto follows = [&](std::string_view part) {
    const std::string longer = prefix + std::string(part);
    return std::any_of(
        file.tensors().begin(), file.tensors().end(),
        [&](const TensorDescription& tensor) { return tensor.name.starts_with(longer); });
  };
  constexpr std::string_view known[] = {"model.", "model_state_dict.", "module."};
  while (true) {
    const auto* const part = std::find_if(std::begin(known), std::end(known), follows);
    if (part == std::end(known)) return prefix;
    prefix += *part;
  }
}

/// How a sentence about a missing tensor ends that is there behind a prefix nobody knows.
inline std::string unknown_prefix(const SafetensorsFile& file, const std::string& name) {
  for (const TensorDescription& tensor : file.tensors())
    if (tensor.name.ends_with("." + name))
      return message("; it has ", in_quotes(tensor.name),
                     ", expected no prefix or 'model.', 'model_state_dict.' or 'module.'");
  return "";
}

/// Whether a tensor of one shape can be stored in another: numbers with or without a dimension.
inline bool same_shape(const std::vector<Index>& a, const std::vector<Index>& b) {
  const auto number = [](const auto& s) { return s.empty() || s == std::vector<Index>{1}; };
  return a == b || (number(a) && number(b));
}

/// Fails unless the file's names and shapes are the table's.
inline void require_tensors_of(const ParameterTable& table, const SafetensorsFile& file,
                               const std::string& prefix) {
  const std::string_view found = rule_of(file.tensors()), expected = rule_of(table.entries());
  if (!found.empty() && !expected.empty() && found != expected)
    fail("the file ", in_quotes(file.path()), " holds the weights of rule ", found,
         ", the model's rule is ", expected);
  for (const ParameterInfo& entry : table.entries()) {
    const std::string name = prefix + entry.name;
    if (!file.contains(name))
      fail("the file ", in_quotes(file.path()), " lacks the model's tensor ", in_quotes(name),
           " of shape ", to_string(entry.shape), unknown_prefix(file, entry.name));
    const auto& shape = file.describe(name).shape;
    if (!same_shape(shape, entry.shape))
      fail("the file ", in_quotes(file.path()), " has tensor ", in_quotes(name), " of shape ",
           to_string(shape), ", the model expects ", to_string(entry.shape));
  }
  for (const TensorDescription& tensor : file.tensors())
    if (tensor.name.starts_with(prefix) && table.find(tensor.name.substr(prefix.size())) == nullptr)
      fail("the file ", in_quotes(file.path()), " holds tensor ", in_quotes(tensor.name),
           " of shape ", to_string(tensor.shape), ", which the model does not have");
}

/// Reads a tensor of finite numbers.
template <class T>
void read_finite(const SafetensorsFile& file, const std::string& name,
                 const std::vector<Index>& shape, Index size, T* out) {
  file.read(name, shape, out);
  for (Index i = 0; i < size; ++i)
    if (!std::isfinite(out[i]))
      fail("the file ", in_quotes(file.path()), " has ", std::isnan(out[i]) ? "NaN" : "infinity",
           " in tensor ", in_quotes(name), ", element ", i, "; expected finite weights");
}

}  // namespace detail

/// The table of what a file holds, for programs that know no model: names without what stands
/// before them, matrices and vectors told apart by shape alone.
inline ParameterTable reference_table(const SafetensorsFile& file) {
  const std::string prefix = detail::weights_prefix(file);
  ParameterTable table;
  for (const TensorDescription& tensor : file.tensors())
    if (tensor.name.starts_with(prefix))
      table.add(tensor.name.substr(prefix.size()),
                tensor.shape.size() > 1 ? Role::matrix : Role::norm, tensor.shape, {});
  return table;
}

/// Fills a flat parameter vector from a file that holds exactly the table's tensors, alone or as
/// the `model.` or `model_state_dict.` part of a training dictionary. A number may have one
/// dimension or none.
///
/// Contract  all names and shapes are checked before the first value is written.
/// Errors    Error naming the rule to which the file belongs, if that is not the table's, or the
///           first tensor that is missing, has another shape, is not the model's (a file of
///           another depth, width or vocabulary), or holds NaN or infinity; after the last the
///           vector is partly written.
template <class T>
void read_parameters(const SafetensorsFile& file, const ParameterTable& table, T* values) {
  const std::string prefix = detail::weights_prefix(file);
  detail::require_tensors_of(table, file, prefix);
  for (const ParameterInfo& entry : table.entries())
    detail::read_finite(file, prefix + entry.name, file.describe(prefix + entry.name).shape,
                        entry.size, values + entry.offset);
}

OPTIFORM_NAMESPACE_END
