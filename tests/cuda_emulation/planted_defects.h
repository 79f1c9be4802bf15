// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/device.h"

namespace gantry::emulation {

// Kernels with one defect each, and the same without (kNone), on a buffer of 1024 floats
// that nobody has written.
enum class Planted : uint8_t {
  kNone,
  kGlobalPastEnd,
  kHostMemory,
  kSharedPastEnd,
  kMisaligned,
  kUnwrittenShared,
  kMissingBarrier,
  kBarrierInBranch,
  kDifferentBarriers,
  kShuffleInBranch,
  kShuffleFromOutside,
  kTwoBlocksOneWord,
  kReadByOtherBlock,
  kUnwrittenGlobal,
  kTwoThreadsOneByte,
  kByteOfAWord,
};
void run_planted(Planted defect, Stream& stream, float* data);

}  // namespace gantry::emulation
