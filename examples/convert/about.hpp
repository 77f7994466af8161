// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <optiform/io/safetensors.hpp>

#include "../pretrain/presets.hpp"

/// What is written beside weights about what their tensors do not tell; empty or 0 where nothing
/// is.
struct About {
  std::string source;       ///< where it is written, for messages
  std::string rule, shape;  ///< as pretrain calls them
  optiform::Index heads = 0;
  std::optional<bool> biases;  ///< whether GPT-2's biases are a part of the model

  // To be compared with the tensors.
  optiform::Index layers = 0, width = 0, hidden = 0, vocabulary = 0, context = 0;
};

/// Looks into a run's config.toml, Hugging Face's config.json or, of a single file, its metadata.
/// Throws optiform::Error.
About read_about(const std::filesystem::path& from, const optiform::SafetensorsFile& file);

/// The metadata in which a single file tells the same.
std::map<std::string, std::string> metadata_of(const About& about);

/// The shapes of pretrain's and study's runs.
std::vector<Preset> known_shapes();
