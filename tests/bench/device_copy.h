// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/device.h"

namespace gantry {

// Queues the library's own copy between two places of the device's memory.
void copy_on_device(Stream& stream, void* to, const void* from, size_t bytes);

}  // namespace gantry
