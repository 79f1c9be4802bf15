// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/error.h"

namespace gantry {

// A device that no longer computes: a launch error, an illegal address, a lost GPU.
using DeviceError = CodedError<ExitCode::kPeer>;

namespace cuda {

// What is known of the GPU without asking it. Of the whole process, as CUDA's own state after an
// error is: what failed once answers every later call with the same error, and a call may hang.

// A GPU is being opened, under this name: whatever failed before was another's.
void begin_with(const std::string& device_name);
// Whether a call failed after which the GPU is not to be touched: nothing is synchronised, freed or
// destroyed any more. The process ends soon, and its driver gives back everything.
bool lost() noexcept;

// Throws MemoryError, after which the GPU may be used on: `call` says it ran out of memory.
[[noreturn]] void out_of_memory(const std::string& call, const std::string& says);
// Throws DeviceError naming the device and the first call that failed, and marks the GPU lost. Work
// runs behind the host's back: an error may be that of earlier work, and the message says so.
[[noreturn]] void device_failed(const std::string& call, const std::string& says);

}  // namespace cuda
}  // namespace gantry
