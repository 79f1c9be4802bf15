// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "train/config.h"

namespace gantry {

// A config that has been read and checked.
struct LoadedConfig {
  RunConfig config;
  std::string file;      // where it came from, for messages
  std::string resolved;  // JSON with every key; reading it gives the same config
  std::string origins;   // a table: JSON pointer, value, where it came from
};

// Reads a config file, applies overrides ("optimizer.g.lr=1e-4"), checks it by itself and as a
// whole (train/config_rules.h). Throws ConfigError with one line per problem found.
LoadedConfig load_config(const std::string& path, const std::vector<std::string>& overrides = {});
// The same for a config in memory; `name` stands for the file in messages.
LoadedConfig parse_config(const std::string& text, const std::string& name,
                          const std::vector<std::string>& overrides = {});

// The documents that follow from RunConfig::describe alone.
std::string config_schema();     // JSON Schema, draft 7
std::string config_reference();  // docs/configuration.md

}  // namespace gantry
