// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <iostream>

#include "core/error.h"
#include "models/network.h"
#include "tools/commands/all.h"
#include "tools/commands/config_arguments.h"
#include "train/network_shapes.h"

namespace gantry {
namespace {

// Runs shape inference: G on a latent, D and E on what G makes.
void check_shapes(RunConfig config, const std::string& path) try {
  const ObjectiveConfig& objective = config.objective;
  const Network g("g", "/generator", std::move(config.generator.network),
                  {{"z", {1, config.latent.size, 1, 1}}});
  const Shape sample = g.outputs().front().shape;
  check_generator_outputs(objective, g.outputs());
  std::cout << "G " << config.latent.size << " -> " << to_string(sample);
  for (PlayerConfig* player : {&config.discriminator, &config.encoder}) {
    if (!player->present) continue;
    const Network network(player->name, concat("/", player->section), std::move(player->network),
                          {{"x", sample}});
    if (player == &config.encoder) {
      check_encoder_outputs(objective, network.outputs(), config.latent.size);
    } else {
      check_discriminator_outputs(objective, network.outputs(), sample);
    }
    std::cout << (player == &config.encoder ? ", E " : ", D ") << to_string(sample) << " -> "
              << to_string(network.outputs().front().shape);
  }
  std::cout << '\n';
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
