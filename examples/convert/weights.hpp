// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include <optiform/core/memory.hpp>
#include <optiform/io/parameters.hpp>

/// Weights on their way from one layout to another, under the reference names.
struct Weights {
  optiform::ParameterTable table;
  optiform::Buffer<double> values;
  optiform::DType dtype;  ///< F64, or F32 for everything narrower

  optiform::Index rows(const std::string& tensor) const { return table.find(tensor)->shape.at(0); }
  /// The rule as pretrain calls it; those of folded models say so.
  std::string rule() const;
};

/// Reads a safetensors file, a folder that holds model.safetensors, or the newest checkpoint of a
/// run directory. GPT-2 in Hugging Face's layout gets `vocabulary` rows (0: the file's) and, unless
/// `biases`, a model without them. Throws optiform::Error.
Weights read_weights(const std::filesystem::path& from, optiform::Index vocabulary, bool biases);

/// The weights with the scales of their rule folded in. Throws optiform::Error for other widths
/// than those of pretrain's shapes.
Weights folded(const Weights& weights);

/// Writes one file under the reference names.
void write_reference(const std::filesystem::path& file, const Weights& weights);

/// Writes model.safetensors and config.json as Hugging Face reads them, with so many rows of the
/// vocabulary (0: all); 0 heads are those of pretrain's shape, or one per 64 channels.
void write_hugging_face(const std::filesystem::path& folder, const Weights& weights,
                        optiform::Index vocabulary, optiform::Index heads);

/// Writes a run directory that generate can continue texts from. `tokenizer`: a file that pretrain
/// understands, or bytes.
void write_run(const std::filesystem::path& folder, const Weights& weights,
               const std::string& tokenizer);
