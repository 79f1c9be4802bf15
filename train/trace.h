// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "train/session.h"

namespace gantry {

// Runs `steps` steps of a session and writes everything that went in and came out, as
// docs/trace-format.md says. The program that runs is the one that trains: what is written is
// seen from outside, between its calls. `folder` is made; an existing file is replaced.
void write_trace(Session& session, const std::string& config_json, int64_t steps,
                 const std::filesystem::path& folder);

}  // namespace gantry
