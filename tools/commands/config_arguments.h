// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "train/config_file.h"

namespace CLI {
class App;
}

namespace gantry {

// CONFIG [key=value ...] [--print-config]: what every command that takes a config has.
struct ConfigArguments {
  std::string path;
  std::vector<std::string> overrides;
  bool print_config = false;

  void declare(CLI::App& app);
  // Reads the config and applies the overrides; prints it if asked. Throws ConfigError.
  LoadedConfig load() const;
};

}  // namespace gantry
