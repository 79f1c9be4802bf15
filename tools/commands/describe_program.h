// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "train/session.h"

namespace gantry {

// The recorded step as tables: networks layer by layer, calls by name with shapes, bytes and
// FLOPs, and where the memory goes.
std::string describe_session(Session& session);
std::string describe_network(const Network& network, const ParamStore& store);
std::string describe_calls(const Program& program);

}  // namespace gantry
