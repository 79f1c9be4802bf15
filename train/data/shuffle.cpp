// SPDX-License-Identifier: Apache-2.0
#include "train/data/shuffle.h"

#include <bit>

#include "core/philox.h"

namespace gantry {
namespace {

constexpr uint32_t kRounds = 8;

uint64_t feistel(RandomKey key, uint64_t epoch, uint64_t value, unsigned half_bits) {
  const uint64_t mask = (uint64_t{1} << half_bits) - 1;
  uint64_t left = value >> half_bits, right = value & mask;
  for (uint32_t round = 0; round < kRounds; ++round) {
    const PhiloxBlock block = random_block(key, epoch, round, static_cast<uint32_t>(right));
    const uint64_t next = left ^ (block.v[0] & mask);
    left = right;
    right = next;
  }
  return left << half_bits | right;
}

}  // namespace

int64_t shuffled(uint64_t seed, uint64_t epoch, int64_t position, int64_t count) {
  if (count <= 1) return 0;
  const RandomKey key = random_key(seed, Purpose::kShuffle);
  const auto bits = static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(count - 1)));
  const unsigned half_bits = (bits + 1) / 2;
  auto value = static_cast<uint64_t>(position);
  do {
    value = feistel(key, epoch, value, half_bits);
  } while (value >= static_cast<uint64_t>(count));
  return static_cast<int64_t>(value);
}

}  // namespace gantry
