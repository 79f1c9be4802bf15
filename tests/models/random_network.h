// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace gantry::testing {

// A directed graph of about a dozen layers of all kinds with skips, fan-out and one output, as
// JSON; reads one image of any size of at least 4 x 4.
std::string random_network(uint64_t seed);

// `text` with each `from` turned into `to`: to vary such a network.
std::string replaced(std::string text, const std::string& from, const std::string& to);

}  // namespace gantry::testing
