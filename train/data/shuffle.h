// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gantry {

// Where a permutation of 0 .. count-1 puts `position`; a different permutation for each (seed,
// epoch). A Feistel network of 8 rounds over the next even power of two with Philox as the round
// function, walked until it lands below count (Black and Rogaway: Ciphers with arbitrary finite
// domains, 2002). No table: O(1) memory, any position of any epoch at once.
int64_t shuffled(uint64_t seed, uint64_t epoch, int64_t position, int64_t count);

}  // namespace gantry
