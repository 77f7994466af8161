// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/parameters.hpp>
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

/// Fills a flat parameter vector from a file that holds exactly the table's tensors.
///
/// Contract  all names and shapes are checked before the first value is written.
/// Errors    Error naming the first tensor that is missing, has another shape, or is not the
///           model's (a file of another rule, depth, width or vocabulary).
template <class T>
void read_parameters(const SafetensorsFile& file, const ParameterTable& table, T* values) {
  for (const ParameterInfo& entry : table.entries()) {
    if (!file.contains(entry.name))
      fail("the file ", in_quotes(file.path()), " lacks the model's tensor ", in_quotes(entry.name),
           " of shape ", to_string(entry.shape));
    const auto& shape = file.describe(entry.name).shape;
    if (shape != entry.shape)
      fail("the file ", in_quotes(file.path()), " has tensor ", in_quotes(entry.name), " of shape ",
           to_string(shape), ", the model expects ", to_string(entry.shape));
  }
  for (const TensorDescription& tensor : file.tensors())
    if (table.find(tensor.name) == nullptr)
      fail("the file ", in_quotes(file.path()), " holds tensor ", in_quotes(tensor.name),
           ", which the model does not have");
  for (const ParameterInfo& entry : table.entries())
    file.read(entry.name, entry.shape, values + entry.offset);
}

OPTIFORM_NAMESPACE_END
