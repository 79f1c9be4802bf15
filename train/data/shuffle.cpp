// SPDX-License-Identifier: Apache-2.0
#include "train/data/shuffle.h"

#include "core/shuffle.h"

namespace gantry {

int64_t shuffled(uint64_t seed, uint64_t epoch, int64_t position, int64_t count) {
  return Shuffle(seed, count).place(epoch, position);
}

}  // namespace gantry
