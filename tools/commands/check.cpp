// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>

#include "core/error.h"
#include "models/network.h"
#include "tools/commands/all.h"
#include "tools/commands/config_arguments.h"
#include "train/data/stacked.h"
#include "train/network_shapes.h"
#include "train/system.h"

namespace gantry {
namespace {

// Classes of the data, where the config alone tells; else 0.
int64_t classes_of(const DataConfig& data) {
  if (!data.classes.empty()) return static_cast<int64_t>(data.classes.size());
  switch (data.source) {
    case DataSourceKind::kMnist:
    case DataSourceKind::kFashionMnist:
    case DataSourceKind::kCifar10:
      return 10;
    case DataSourceKind::kStackedMnist:
      return kStackedModes;
    case DataSourceKind::kGlyphs:
      return data.glyphs;
    default:
      return 0;
  }
}

// A sample of the data, where the config alone tells.
std::optional<Shape> sample_of(const DataConfig& data) {
  Shape stored{1, 0, 0, 0};
  if (is_digits(data.source)) stored = {1, 1, 28, 28};
  if (data.source == DataSourceKind::kStackedMnist) stored.c = 3;
  if (data.source == DataSourceKind::kCifar10) stored = {1, 3, 32, 32};
  if (data.channels > 0) stored.c = data.channels;
  const auto& size = data.augment.random_crop[0] > 0 ? data.augment.random_crop : data.size;
  if (size[0] > 0) stored.h = size[0], stored.w = size[1];
  if (stored.elements() == 0) return std::nullopt;
  return stored;
}

// Builds a network, which infers its shapes, on `main` and the classes of the data; nothing where
// those are not known without the data.
std::optional<Network> build(PlayerConfig& player, const NamedShape& main, int64_t classes) {
  std::vector<NamedShape> inputs;
  for (const std::string& name : player.network.inputs) {
    const bool label = name == kLabelInput;
    if (label && classes == 0) return std::nullopt;
    inputs.push_back(label ? NamedShape{name, {1, classes, 1, 1}, true} : main);
  }
  if (inputs.empty()) inputs = {main};
  return std::make_optional<Network>(player.name, concat("/", player.section),
                                     std::move(player.network), inputs);
}

constexpr const char* kUnknown =
    "shapes depend on the data, which `gantry plan` reads and this command does not\n";

std::string described(const char* player, const Shape& x, const Network& network) {
  return concat(player, " ", to_string(x), " -> ", to_string(network.outputs().front().shape));
}

// Runs shape inference: G on a latent, D and E on what G makes, C on a sample.
void check_shapes(RunConfig config, const std::string& path) try {
  const ObjectiveConfig& objective = config.objective;
  const int64_t classes = classes_of(config.data);
  std::optional<Shape> sample = sample_of(config.data);
  std::string found;
  if (config.generator.present) {
    const Shape z{1, config.latent.width(), 1, 1};
    const auto g = build(config.generator, {"z", z}, classes);
    if (!g) return void(std::cout << kUnknown);
    check_generator_outputs(objective, g->outputs());
    sample = g->outputs().front().shape;
    found = described("G", z, *g);
  }
  if (!sample) return void(std::cout << kUnknown);
  for (PlayerConfig* player : {&config.discriminator, &config.encoder, &config.classifier}) {
    if (!player->present) continue;
    const auto network = build(*player, {"x", *sample}, classes);
    if (!network) return void(std::cout << kUnknown);
    if (player == &config.encoder) {
      check_encoder_outputs(objective, network->outputs(), config.latent.size);
    } else if (player == &config.discriminator) {
      check_discriminator_outputs(objective, network->outputs(), *sample);
    }
    const char* name = player == &config.encoder         ? "E"
                       : player == &config.discriminator ? "D"
                                                         : "C";
    found += concat(found.empty() ? "" : ", ", described(name, *sample, *network));
  }
  std::cout << found << "\n";
} catch (const ConfigError& error) {
  throw ConfigError(path + ": " + error.what());
}

}  // namespace

Action declare_check(CLI::App& app) {
  const auto arguments = std::make_shared<ConfigArguments>();
  arguments->declare(app);
  app.footer(
      "Reads no data and opens no device. Exits with 0, or with 2 and one line per mistake.\n\n"
      "Examples:\n"
      "  gantry check configs/quickstart.json\n"
      "  gantry check configs/quickstart.json train.batch=32 --print-config > resolved.json");
  return [arguments] {
    LoadedConfig loaded = arguments->load();
    if (arguments->print_config) return 0;
    check_shapes(std::move(loaded.config), arguments->path);
    std::cout << arguments->path << ": ok\n" << std::flush;
    return 0;
  };
}

}  // namespace gantry
