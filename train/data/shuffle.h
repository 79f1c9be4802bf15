// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gantry {

// Where a permutation of 0 .. count-1 puts `position`; a different permutation for each (seed,
// epoch): core/shuffle.h.
int64_t shuffled(uint64_t seed, uint64_t epoch, int64_t position, int64_t count);

}  // namespace gantry
