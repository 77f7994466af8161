// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

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

/// What stands before the names of a file's weights: `model.` where they were a part of a training
/// dictionary beside `optimizer_muon.`, `step` and others, else nothing.
inline std::string weights_prefix(const SafetensorsFile& file) {
  constexpr std::string_view prefix = "model.";
  for (const TensorDescription& tensor : file.tensors())
    if (tensor.name.starts_with(prefix)) return std::string(prefix);
  return "";
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
           " of shape ", to_string(entry.shape));
    const auto& shape = file.describe(name).shape;
    if (shape != entry.shape)
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
/// the `model.` part of a training dictionary.
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
    detail::read_finite(file, prefix + entry.name, entry.shape, entry.size, values + entry.offset);
}

OPTIFORM_NAMESPACE_END
