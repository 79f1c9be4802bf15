// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <iostream>

#include "core/error.h"
#include "models/network.h"
#include "tools/commands/all.h"
#include "tools/commands/config_arguments.h"

namespace gantry {
namespace {

// Runs shape inference: G on a latent, D on what G makes.
void check_shapes(RunConfig config, const std::string& path) try {
  const Network g("g", "/generator", std::move(config.generator),
                  {{"z", {1, config.latent.size, 1, 1}}});
  const Shape sample = g.outputs().front().shape;
  const Network d("d", "/discriminator", std::move(config.discriminator), {{"x", sample}});
  const Shape score = d.outputs().front().shape;
  if (score.c != 1) {
    throw ConfigError(concat("/discriminator/layers: the score of D must have one channel, not ",
                             to_string(score)));
  }
  std::cout << "G " << config.latent.size << " -> " << to_string(sample) << ", D "
            << to_string(sample) << " -> " << to_string(score) << '\n';
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
