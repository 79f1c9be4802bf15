// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/replay.h"

namespace gantry {

// Runs a program once and looks at everything it writes. Returns what the first call with a
// non-finite real output was, "d1.m1.d.conv2.forward: output 0 (64x128x8x8): 3 of 524288 values are
// not finite, first at 17", or nothing. Changes whatever the program changes.
std::optional<std::string> first_nonfinite(const Replay& replay, Device& device, Stream& stream);

}  // namespace gantry
