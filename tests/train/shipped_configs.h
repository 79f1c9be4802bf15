// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "train/config_file.h"

namespace gantry {

inline std::string path_of_config(const std::string& name) {
  return GANTRY_SOURCE_DIR "/configs/" + name + ".json";
}

// The names of all files of configs/ and configs/toy/: "quickstart", "toy/gan-ring".
inline std::vector<std::string> shipped_configs() {
  namespace fs = std::filesystem;
  const fs::path folder = GANTRY_SOURCE_DIR "/configs";
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    names.push_back(entry.path().lexically_relative(folder).replace_extension().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// What GoogleTest allows in the name of a case.
inline std::string test_name(std::string config) {
  for (char& c : config) c = c == '-' || c == '/' ? '_' : c;
  return config;
}

// Of one sample (n = 1).
inline Shape sample_shape(const DataConfig& data) {
  if (data.source == DataSourceKind::kMnist) return {1, 1, 28, 28};
  if (data.source == DataSourceKind::kStackedMnist) return {1, 3, 28, 28};
  if (data.source == DataSourceKind::kCifar10) return {1, 3, 32, 32};
  if (data.source == DataSourceKind::kImages) return {1, data.channels, data.size[0], data.size[1]};
  return {1, 2, 1, 1};  // points
}

// Changes that put drawn samples in place of data that may not be here.
inline std::vector<std::string> drawn_data(const RunConfig& config) {
  if (is_synthetic(config.data.source)) return {};
  const Shape x = sample_shape(config.data);
  const std::vector<double>& range = config.data.range;
  std::vector<std::string> overrides = {
      concat(R"(data={"source": "glyphs", "samples": 512, "channels": )", x.c, R"(, "size": [)",
             x.h, ", ", x.w, R"(], "range": [)", range[0], ", ", range[1], "]}")};
  if (config.evaluation.every > 0) overrides.push_back("evaluation={}");
  return overrides;
}

}  // namespace gantry
