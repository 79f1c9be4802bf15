// SPDX-License-Identifier: Apache-2.0
#include "tests/ranks/shipped.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "train/config_file.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int64_t kNarrower = 8;
constexpr int64_t kWide = 64;        // from here on
constexpr int64_t kMostUpdates = 2;  // of the discriminator in a step

Shape image_of(const DataConfig& data) {
  using Kind = DataSourceKind;
  if (data.source == Kind::kMnist) return {1, 1, 28, 28};
  if (data.source == Kind::kStackedMnist) return {1, 3, 28, 28};
  if (data.source == Kind::kCifar10) return {1, 3, 32, 32};
  return {1, data.channels, data.size[0], data.size[1]};
}

std::string drawn_data(const DataConfig& data) {
  if (data.source == DataSourceKind::kRing || data.source == DataSourceKind::kGrid) {
    return "data.samples=64";
  }
  const Shape image = image_of(data);
  return concat(R"(data={"source": "glyphs", "samples": 64, "channels": )", image.c,
                R"(, "size": )", image.h, R"(, "range": [)", data.range[0], ", ", data.range[1],
                "]}");
}

// Units that say what goes in or out stay: `kept`.
void narrow(Json& layer, const std::vector<int64_t>& kept) {
  const auto shrink = [&](Json& value) {
    const auto width = value.get<int64_t>();
    if (width >= kWide) value = width / kNarrower;
  };
  if (layer.contains("channels")) shrink(layer["channels"]);
  if (layer.contains("shape")) shrink(layer["shape"][0]);
  if (layer.contains("units") &&
      std::find(kept.begin(), kept.end(), layer["units"]) == kept.end()) {
    shrink(layer["units"]);
  }
}

void smooth(Json& layer) {
  const std::string type = layer["type"];
  if (type != "relu" && type != "leaky_relu") return;
  layer.erase("slope");
  layer["type"] = "silu";
}

}  // namespace

RunConfig load_shipped(const std::string& name, Layers layers,
                       const std::vector<std::string>& overrides) {
  const std::string path = GANTRY_SOURCE_DIR "/configs/" + name + ".json";
  const RunConfig shipped = load_config(path).config;
  const int64_t latent = shipped.latent.size;
  Json config = Json::parse(read_file(path));
  for (const PlayerConfig* player : shipped.players()) {
    if (!config.contains(player->section)) continue;
    for (Json& layer : config[player->section]["layers"]) {
      narrow(layer, {image_of(shipped.data).elements(), latent, 2 * latent});
      if (layers == Layers::kSmooth) smooth(layer);
    }
  }
  config["train"].erase("d_warmup");
  if (shipped.train.d_steps > kMostUpdates) config["train"]["d_steps"] = kMostUpdates;
  const int64_t batch = 8 * shipped.objective.packing;
  std::vector<std::string> all = {drawn_data(shipped.data), concat("train.batch=", batch)};
  if (shipped.train.generator_batch > 0) all.push_back("train.generator_batch=16");
  if (shipped.objective.is_semi_supervised()) {
    all.push_back("objective.semi_supervised.labels_per_class=2");
  }
  if (shipped.evaluation.every > 0) all.push_back("evaluation={}");
  all.insert(all.end(), overrides.begin(), overrides.end());
  return parse_config(config.dump(), name, all).config;
}

std::vector<std::string> shipped_configs() {
  std::vector<std::string> names;
  for (const char* folder : {"", "toy/"}) {
    for (const auto& entry :
         fs::directory_iterator(concat(GANTRY_SOURCE_DIR "/configs/", folder))) {
      if (entry.path().extension() != ".json") continue;
      names.push_back(folder + entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace gantry
