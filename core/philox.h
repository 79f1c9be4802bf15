// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

// Code that host and device compile alike.
#if defined(__CUDACC__)
#define GANTRY_HOST_DEVICE __host__ __device__
#else
#define GANTRY_HOST_DEVICE
#endif

namespace gantry {

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011).
// A pure function of counter and key: no state to save.
struct PhiloxBlock {
  uint32_t v[4];
};

GANTRY_HOST_DEVICE inline PhiloxBlock philox4x32(PhiloxBlock counter, uint32_t key0,
                                                 uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * counter.v[0];
    const uint64_t b = uint64_t{0xCD9E8D57u} * counter.v[2];
    counter = {{static_cast<uint32_t>(b >> 32) ^ counter.v[1] ^ key0, static_cast<uint32_t>(b),
                static_cast<uint32_t>(a >> 32) ^ counter.v[3] ^ key1, static_cast<uint32_t>(a)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// What a draw is for. Values are part of the checkpoint contract: never renumber.
enum class Purpose : uint32_t {
  kInit = 1,
  kLatent = 2,
  kLabel = 3,
  kDropout = 4,
  kShuffle = 5,
  kAugment = 6,
  kLabelNoise = 7,
  kInstanceNoise = 8,
  kPenalty = 9,
  kSample = 10,
  kSynthetic = 11,
  kLabelFlip = 12,
  kSpectralNorm = 13,
  kCode = 14,
  kDiffAugment = 15,
};

// The stream of draws of one (seed, purpose, id); `id` tells apart users of the same purpose
// (the third dropout layer of G, say).
struct RandomKey {
  uint32_t key0 = 0, key1 = 0;
};

GANTRY_HOST_DEVICE inline RandomKey random_key(uint64_t seed, Purpose purpose, uint32_t id = 0) {
  const PhiloxBlock block =
      philox4x32({{static_cast<uint32_t>(purpose), id, 0x47414E54u, 0x52590000u}},
                 static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
  return {block.v[0], block.v[1]};
}

// Four words for elements 4*quad .. 4*quad+3 of sample `sample` at `step`.
// The same numbers whatever the batch split, the device or the order of evaluation.
GANTRY_HOST_DEVICE inline PhiloxBlock random_block(RandomKey key, uint64_t step, uint32_t sample,
                                                   uint32_t quad) {
  return philox4x32(
      {{quad, sample, static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32)}}, key.key0,
      key.key1);
}

// Uniform in [0, 1), 24 bits.
GANTRY_HOST_DEVICE inline float uniform01(uint32_t word) {
  return static_cast<float>(word >> 8) * (1.0f / 16777216.0f);
}

// Two standard normals from two words (Box and Muller, 1958); the first word is kept off zero.
GANTRY_HOST_DEVICE inline void normal_pair(uint32_t a, uint32_t b, float* first, float* second) {
  const double u = (static_cast<double>(a) + 1.0) * (1.0 / 4294967296.0);
  const double angle = static_cast<double>(b) * (6.283185307179586476925 / 4294967296.0);
  const double radius = sqrt(-2.0 * log(u));
  *first = static_cast<float>(radius * cos(angle));
  *second = static_cast<float>(radius * sin(angle));
}

}  // namespace gantry
