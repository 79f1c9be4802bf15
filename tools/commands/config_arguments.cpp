// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/config_arguments.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "core/error.h"
#include "tools/commands/explain_usage.h"
#include "train/run_dir.h"

namespace gantry {

void ConfigArguments::declare(CLI::App& app) {
  app.add_option("config", path, "JSON file that describes the run (docs/configuration.md)")
      ->required()
      ->check(not_empty("the path of a config, such as configs/quickstart.json"))
      ->type_name("CONFIG");
  app.add_option("overrides", overrides,
                 "Changes to the config: optimizer.g.lr=1e-4 generator.layers.0.units=128")
      ->type_name("KEY=VALUE");
  app.add_flag("--print-config", print_config,
               "Print the resolved config on standard output, and on standard error where each "
               "value came from");
}

LoadedConfig ConfigArguments::load() const {
  if (RunDir::is_run(path)) {
    throw ConfigError(concat(path, ": is the folder of a run: continue it with `gantry resume ",
                             path, "`, or give its config, ", path, "/config.json"));
  }
  LoadedConfig loaded = load_config(path, overrides);
  if (print_config) {
    std::cout << loaded.resolved << std::flush;
    std::cerr << loaded.origins << std::flush;
  }
  return loaded;
}

}  // namespace gantry
