// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/philox.h"

namespace gantry {

// Permutations of 0 .. count-1, a different one for each (seed, epoch). A Feistel network of 8
// rounds over the next even power of two with Philox as the round function, walked until it lands
// below count (Black and Rogaway: Ciphers with arbitrary finite domains, 2002). No table: O(1)
// memory, any position of any epoch at once. Host and device.
class Shuffle {
 public:
  Shuffle() = default;
  Shuffle(uint64_t seed, int64_t count)
      : key_(random_key(seed, Purpose::kShuffle)), count_(static_cast<uint64_t>(count)) {
    while (count > 1 && (uint64_t{1} << 2 * half_bits_) < count_) ++half_bits_;
  }

  // Where the permutation of `epoch` puts `position`.
  GANTRY_HOST_DEVICE int64_t place(uint64_t epoch, int64_t position) const {
    if (count_ <= 1) return 0;
    uint64_t value = static_cast<uint64_t>(position);
    do {
      value = mixed(epoch, value);
    } while (value >= count_);
    return static_cast<int64_t>(value);
  }

 private:
  GANTRY_HOST_DEVICE uint64_t mixed(uint64_t epoch, uint64_t value) const {
    const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
    uint64_t left = value >> half_bits_, right = value & mask;
    for (uint32_t round = 0; round < 8; ++round) {
      const PhiloxBlock block = random_block(key_, epoch, round, static_cast<uint32_t>(right));
      const uint64_t next = left ^ (block.v[0] & mask);
      left = right;
      right = next;
    }
    return left << half_bits_ | right;
  }

  RandomKey key_;
  uint64_t count_ = 0;
  unsigned half_bits_ = 0;
};

}  // namespace gantry
