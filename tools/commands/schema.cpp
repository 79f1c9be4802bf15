// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <iostream>

#include "tools/commands/all.h"
#include "train/config_file.h"

namespace gantry {

Action declare_schema(CLI::App& app) {
  app.footer(
      "Examples:\n"
      "  gantry schema > gantry.schema.json       for editors: completion and checks\n"
      "  gantry schema --reference | less         every key, its default and its meaning");
  const auto reference = std::make_shared<bool>(false);
  app.add_flag("--reference", *reference, "Print docs/configuration.md instead");
  return [reference] {
    std::cout << (*reference ? config_reference() : config_schema());
    return 0;
  };
}

}  // namespace gantry
