// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <utility>

#include "core/atomic_file.h"
#include "core/digest.h"
#include "train/checkpoint.h"

namespace gantry {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr char kStateFile[] = "state.safetensors";
constexpr char kManifestFile[] = "manifest.json";
constexpr char kFormat[] = "gantry-checkpoint-1";
constexpr uint64_t kMaxManifestBytes = 64 << 20;

// The manifest vouches for the tensors; this line, its first, vouches for the manifest. It is the
// SHA-256 of the whole text with zeros in its own place.
constexpr char kSealStart[] = "{\"manifest_sha256\":\"";
constexpr size_t kSealAt = sizeof kSealStart - 1;
constexpr size_t kSealDigits = 64;

std::string sealed(const std::string& body) {
  std::string text = kSealStart + std::string(kSealDigits, '0') + "\",\n" + body;
  return text.replace(kSealAt, kSealDigits, sha256(text));
}

void require_intact(std::string text, const fs::path& file) {
  const std::string seal = text.substr(std::min(text.size(), kSealAt), kSealDigits);
  if (text.starts_with(kSealStart) && seal.size() == kSealDigits) {
    text.replace(kSealAt, kSealDigits, kSealDigits, '0');
    if (sha256(text) == seal) return;
  }
  throw CheckpointError(concat(file.string(),
                               ": damaged: its contents do not have the SHA-256 "
                               "that its first line gives"));
}

struct Manifest {
  uint64_t step = 0;
  std::map<std::string, std::string> meta;
  uint64_t state_bytes = 0;
  std::string state_digest;
  std::map<std::string, std::string> tensor_digests;
};

Manifest read_manifest(const fs::path& file) {
  const std::string text = read_file(file, kMaxManifestBytes);
  require_intact(text, file);
  try {
    const Json json = Json::parse(text);
    if (json.at("format") != kFormat) {
      throw CheckpointError(concat(file.string(), ": format is ", json.at("format").dump(),
                                   "; this version of Gantry reads \"", kFormat, "\""));
    }
    Manifest manifest;
    json.at("step").get_to(manifest.step);
    for (const auto& [key, value] : json.at("meta").items()) value.get_to(manifest.meta[key]);
    json.at("state").at("bytes").get_to(manifest.state_bytes);
    json.at("state").at("sha256").get_to(manifest.state_digest);
    for (const auto& [key, value] : json.at("tensors").items()) {
      value.get_to(manifest.tensor_digests[key]);
    }
    return manifest;
  } catch (const Json::exception& error) {
    throw CheckpointError(concat(file.string(), ": not a manifest: ", error.what()));
  }
}

void require_digest(const std::string& place, const std::string& expected,
                    const std::string& found) {
  if (expected == found) return;
  throw CheckpointError(
      concat(place, ": damaged: SHA-256 is ", found, ", but the manifest says ", expected));
}

void require_size(const fs::path& file, uint64_t expected) {
  std::error_code error;
  const uint64_t found = fs::file_size(file, error);
  if (error) throw CheckpointError(concat(file.string(), ": ", error.message()));
  if (found == expected) return;
  throw CheckpointError(
      concat(file.string(), ": damaged: has ", found, " bytes, but the manifest says ", expected));
}

void require_tensors(const fs::path& file, const Manifest& manifest,
                     const std::vector<HostTensor>& tensors) {
  if (manifest.tensor_digests.size() != tensors.size()) {
    throw CheckpointError(concat(file.string(), ": has ", tensors.size(),
                                 " tensors, but the manifest names ",
                                 manifest.tensor_digests.size()));
  }
  for (const HostTensor& tensor : tensors) {
    const auto digest = manifest.tensor_digests.find(tensor.name);
    const std::string place = concat(file.string(), ": tensor \"", tensor.name, "\"");
    if (digest == manifest.tensor_digests.end()) {
      throw CheckpointError(concat(place, ": is not in the manifest"));
    }
    require_digest(place, digest->second, sha256(tensor.bytes.data(), tensor.bytes.size()));
  }
}

}  // namespace

void write_checkpoint(const fs::path& folder, const Checkpoint& checkpoint) {
  AtomicFile state(folder / kStateFile);
  Sha256 digest;
  uint64_t bytes = 0;
  TensorPointers tensors;
  for (const HostTensor& tensor : checkpoint.tensors) tensors.push_back(&tensor);
  write_safetensors(
      [&](const void* data, size_t count) {
        state.write(data, count);
        digest.update(data, count);
        bytes += count;
      },
      tensors, {{"format", kFormat}, {"step", std::to_string(checkpoint.step)}});
  state.commit();

  Json json = {{"format", kFormat}, {"step", checkpoint.step}, {"meta", Json::object()}};
  for (const auto& [key, value] : checkpoint.meta) json["meta"][key] = value;
  json["state"] = {{"file", kStateFile}, {"bytes", bytes}, {"sha256", digest.hex()}};
  json["tensors"] = Json::object();
  for (const HostTensor& tensor : checkpoint.tensors) {
    json["tensors"][tensor.name] = sha256(tensor.bytes.data(), tensor.bytes.size());
  }
  write_file_atomically(folder / kManifestFile, sealed(json.dump(1).substr(2) + "\n"));
}

Checkpoint load_checkpoint(const fs::path& folder) {
  const fs::path file = folder / kStateFile, manifest_file = folder / kManifestFile;
  if (!fs::exists(manifest_file)) {
    throw CheckpointError(concat(manifest_file.string(), ": there is no such file; ",
                                 folder.string(), " is not a checkpoint"));
  }
  const Manifest manifest = read_manifest(manifest_file);
  require_size(file, manifest.state_bytes);
  require_digest(file.string(), manifest.state_digest, sha256_of_file(file));
  SafetensorsFile state = read_safetensors(file);
  require_tensors(file, manifest, state.tensors);
  return {manifest.step, std::move(state.tensors), manifest.meta};
}

std::string compare_tensors(const std::vector<TensorInfo>& expected,
                            const std::vector<TensorInfo>& found) {
  constexpr size_t kMostLines = 40;
  std::map<std::string, std::pair<std::string, std::string>> sides;
  for (const TensorInfo& info : expected) sides[info.name].first = info.signature();
  for (const TensorInfo& info : found) sides[info.name].second = info.signature();
  std::vector<std::array<std::string, 3>> rows = {{"tensor", "expected", "checkpoint"}};
  for (const auto& [name, side] : sides) {
    if (side.first == side.second) continue;
    rows.push_back(
        {name, side.first.empty() ? "-" : side.first, side.second.empty() ? "-" : side.second});
  }
  if (rows.size() == 1) return "";
  size_t widths[2] = {};
  for (const auto& row : rows) {
    for (size_t i = 0; i < 2; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string table;
  for (size_t i = 0; i < std::min(rows.size(), kMostLines + 1); ++i) {
    std::string line;
    for (size_t column = 0; column < 2; ++column) {
      line += rows[i][column] + std::string(widths[column] + 2 - rows[i][column].size(), ' ');
    }
    table += line + rows[i][2] + "\n";
  }
  if (rows.size() > kMostLines + 1)
    table += concat("and ", rows.size() - kMostLines - 1, " more\n");
  return table;
}

void require_same_tensors(const std::vector<TensorInfo>& expected, const Checkpoint& checkpoint,
                          const std::string& place) {
  const std::vector<TensorInfo> found(checkpoint.tensors.begin(), checkpoint.tensors.end());
  const std::string table = compare_tensors(expected, found);
  if (table.empty()) return;
  throw CheckpointError(concat(place, " is of another network or optimizer:\n", table));
}

}  // namespace gantry
