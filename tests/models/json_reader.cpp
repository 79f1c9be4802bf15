// SPDX-License-Identifier: Apache-2.0
#include "tests/models/json_reader.h"

#include "core/fields_reader.h"

namespace gantry::testing {

NetworkConfig read_network(const std::string& json) {
  NetworkConfig config;
  read_fields(parse_json(json, "network.json"), [&](Fields& f) { config.describe(f); });
  return config;
}

}  // namespace gantry::testing
