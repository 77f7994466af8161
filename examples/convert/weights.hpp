// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <optiform/core/memory.hpp>
#include <optiform/io/parameters.hpp>
#include <optiform/rules/declarations.hpp>

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
  /// The rule as pretrain or study calls it, empty where it is not known; those of folded models
  /// say so.
  std::string rule() const;
};

/// A rule whose networks pretrain or study trains, or what folding leaves of one.
struct KnownRule {
  std::string_view name;
  std::string_view named_like;  ///< the rule that rule_of sees in the names of its layers
  const optiform::Recording& rule;
  bool learned_start = true;  ///< else there are no tables in which its streams start
  bool biases = false;
};

/// The rule that pretrain or study calls so; null if there is none.
const KnownRule* find_rule(std::string_view name);
/// The rule whose names the tensors have; null if there is none.
const KnownRule* find_rule(const Weights& weights);

/// All tensors of a rule's network of the sizes that the weights have.
optiform::ParameterTable expected_table(const KnownRule& known, const Weights& sizes);

/// What the command line says, which counts more than what stands beside the weights.
struct ConvertOptions {
  optiform::Index vocabulary = 0;  ///< rows that GPT-2's token table gets (0: as they are)
  optiform::Index heads = 0;
  bool without_biases = false;  ///< a model without GPT-2's, which are zero then
};

/// Reads a safetensors file, a folder that holds model.safetensors, or the newest checkpoint of a
/// run directory, and what stands beside it. Throws optiform::Error, also where that says something
/// else than the tensors do, or where these are not the ones that the rule's network has.
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
