// SPDX-License-Identifier: Apache-2.0
// Any bytes are a config, or are refused with a ConfigError; what is accepted resolves to itself.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "train/config_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  // What follows a NUL is overrides, one per line.
  const size_t end = std::min(all.find('\0'), size);
  const std::string text(all.substr(0, end));
  std::vector<std::string> overrides;
  for (size_t begin = end + 1; begin < size && overrides.size() < 8;) {
    const size_t line = std::min(all.find('\n', begin), size);
    overrides.emplace_back(all.substr(begin, line - begin));
    begin = line + 1;
  }
  try {
    const gantry::LoadedConfig loaded = gantry::parse_config(text, "fuzz", overrides);
    const gantry::LoadedConfig again = gantry::parse_config(loaded.resolved, "resolved");
    if (again.resolved != loaded.resolved) __builtin_trap();
  } catch (const gantry::ConfigError&) {
  }
  return 0;
}
