// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <optiform/io/checkpoint_files.hpp>
#include <optiform/io/checksum.hpp>
#include <optiform/io/safetensors.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// The words of a JSON error without its number: what follows `[json.exception.NAME.ID] `.
inline std::string json_reason(const nlohmann::json::exception& error) {
  const std::string text = error.what();
  const auto end = text.find("] ");
  return end == std::string::npos ? text : text.substr(end + 2);
}

/// A number of things. Throws nlohmann::json::exception for anything but a natural number: the
/// library's own conversion of 1e20 to an integer is undefined.
inline std::uint64_t count_from_json(const nlohmann::json& value) {
  return value.get_ref<const nlohmann::json::number_unsigned_t&>();
}

/// What a checkpoint's manifest says.
struct CheckpointManifest {
  CheckpointId id;
  SafetensorsChecksums weights, streams;
  nlohmann::json state;
};

// The text of a manifest is JSON that begins with the checksum of itself:
//   {"crc64":"0123456789abcdef","format":...}
// computed with sixteen zeros in that place. No byte of the file is outside of it.
inline constexpr std::string_view manifest_head = R"({"crc64":")";
inline constexpr std::string_view manifest_zeros = "0000000000000000";

inline nlohmann::ordered_json checksums_to_json(const std::string& file,
                                                const SafetensorsChecksums& sums) {
  nlohmann::ordered_json tensors = nlohmann::ordered_json::array();
  for (const auto& [name, crc] : sums.tensors)
    tensors.push_back({{"name", name}, {"crc64", hexadecimal(crc)}});
  return {{"file", file},
          {"bytes", sums.file_bytes},
          {"header_bytes", sums.header_bytes},
          {"header_crc64", hexadecimal(sums.header)},
          {"tensors", std::move(tensors)}};
}

/// The manifest's text. Throws Error for a state that JSON cannot hold.
inline std::string write_manifest(const CheckpointManifest& manifest) {
  try {
    const std::string stem = checkpoint_stem(manifest.id);
    nlohmann::ordered_json json;
    json["format"] = "optiform-checkpoint";
    json["version"] = 1;
    json["step"] = manifest.id.step;
    json["save"] = manifest.id.save;
    json["weights"] = checksums_to_json(stem + std::string(weights_suffix), manifest.weights);
    json["streams"] = checksums_to_json(stem + std::string(streams_suffix), manifest.streams);
    // A not-a-number would silently become null: what is read back must be what was given.
    const std::string state = manifest.state.dump();
    if (nlohmann::json::parse(state) != manifest.state)
      fail("cannot save the checkpoint of step ", manifest.id.step,
           ": its state holds something that JSON has no text for, such as NaN or infinity");
    json["state"] = nlohmann::ordered_json::parse(state);
    std::string text(manifest_head);
    text.append(manifest_zeros).append("\",").append(json.dump(1, ' ').substr(1)).append("\n");
    const std::string sum = checksum(text);
    text.replace(manifest_head.size(), sum.size(), sum);
    return text;
  } catch (const nlohmann::json::exception& error) {
    fail("cannot save the checkpoint of step ", manifest.id.step,
         ": its state is no valid JSON: ", json_reason(error));
  }
}

inline SafetensorsChecksums checksums_from_json(const nlohmann::json& json) {
  const auto number = [](const nlohmann::json& value) {
    std::uint64_t out = 0;
    const auto& text = value.get_ref<const std::string&>();
    std::from_chars(text.data(), text.data() + text.size(), out, 16);
    return out;
  };
  SafetensorsChecksums sums{count_from_json(json.at("bytes")),
                            count_from_json(json.at("header_bytes")),
                            number(json.at("header_crc64")),
                            {}};
  for (const auto& tensor : json.at("tensors"))
    sums.tensors.emplace_back(tensor.at("name"), number(tensor.at("crc64")));
  return sums;
}

/// Reads and checks a manifest; `id` is what its file name says.
inline CheckpointManifest read_manifest(const InputFile& file, CheckpointId id) {
  const auto refuse = [&](const auto&... parts) {
    fail("cannot use the checkpoint ", in_quotes(file.path()), ": ", parts...);
  };
  constexpr std::uint64_t longest = 256'000'000;
  const std::size_t body = manifest_head.size() + manifest_zeros.size();
  if (file.size() < body || file.size() > longest)
    refuse("its manifest is ", file.size(), " bytes long");
  std::string text = read_file(file);
  const std::string claimed = text.substr(manifest_head.size(), manifest_zeros.size());
  text.replace(manifest_head.size(), manifest_zeros.size(), manifest_zeros);
  if (!text.starts_with(manifest_head) || checksum(text) != claimed)
    refuse("its manifest is damaged (the checksum does not match)");
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    if (json.at("format") != "optiform-checkpoint" || json.at("version") != 1)
      refuse("it is of a format that this version does not know");
    CheckpointManifest manifest{{static_cast<std::int64_t>(count_from_json(json.at("save"))),
                                 static_cast<std::int64_t>(count_from_json(json.at("step")))},
                                checksums_from_json(json.at("weights")),
                                checksums_from_json(json.at("streams")),
                                json.at("state")};
    if (manifest.id != id)
      refuse("it was renamed: its manifest speaks of step ", manifest.id.step, ", save ",
             manifest.id.save);
    return manifest;
  } catch (const nlohmann::json::exception& error) {
    fail("cannot use the checkpoint ", in_quotes(file.path()),
         ": its manifest is incomplete: ", json_reason(error));
  }
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
