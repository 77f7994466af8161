// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include <optiform/core/memory.hpp>
#include <optiform/io/parameters.hpp>

#include "about.hpp"

/// Weights on their way from one layout to another, under the reference names.
struct Weights {
  optiform::ParameterTable table;
  optiform::Buffer<double> values;
  optiform::DType dtype = optiform::DType::f32;  ///< F64, or F32 for everything narrower
  About about;

  optiform::Index rows(const std::string& tensor) const { return table.find(tensor)->shape[0]; }
  optiform::Index width() const { return table.find("tok_emb.weight")->shape[1]; }
  optiform::Index hidden() const { return rows("layers.0.mlp.w1.weight"); }
  optiform::Index layers() const;
  bool biases() const { return table.find("layers.0.attn.qkv_proj.bias") != nullptr; }
  /// The rule as pretrain calls it; those of folded models say so.
  std::string rule() const;
};

/// What the command line says, which counts more than what stands beside the weights.
struct ConvertOptions {
  optiform::Index vocabulary = 0;  ///< rows that GPT-2's token table gets (0: as they are)
  optiform::Index heads = 0;
  bool without_biases = false;  ///< a model without GPT-2's, which are zero then
};

/// Reads a safetensors file, a folder that holds model.safetensors, or the newest checkpoint of a
/// run directory, and what stands beside it. Throws optiform::Error, also where that says something
/// else than the tensors do.
Weights read_weights(const std::filesystem::path& from, const ConvertOptions& options);

/// The weights with the scales of their rule folded in. Throws optiform::Error.
Weights folded(Weights weights);

/// Writes one file under the reference names.
void write_reference(const std::filesystem::path& file, const Weights& weights);

/// Writes model.safetensors and config.json as Hugging Face reads them, with so many rows of the
/// vocabulary (0: all).
void write_hugging_face(const std::filesystem::path& folder, const Weights& weights,
                        optiform::Index vocabulary);

/// Writes a run directory that generate can continue texts from. `tokenizer`: a file that pretrain
/// understands, or bytes.
void write_run(const std::filesystem::path& folder, const Weights& weights,
               const std::string& tokenizer);
