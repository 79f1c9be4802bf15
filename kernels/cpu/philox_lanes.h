// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/philox.h"

namespace gantry::cpu {

// Quads worked on at once: the rounds become vector operations.
inline constexpr int64_t kQuads = 16;

// The words of elements 4 quad .. 4 quad + 63 of a sample, in the order of the elements: what
// random_block gives, sixteen blocks at a time.
inline void random_words(RandomKey key, int64_t step, uint32_t sample, int64_t quad,
                         uint32_t* words) {
  uint32_t v0[kQuads], v1[kQuads], v2[kQuads], v3[kQuads];
  for (int64_t l = 0; l < kQuads; ++l) {
    v0[l] = static_cast<uint32_t>(quad + l);
    v1[l] = sample;
    v2[l] = static_cast<uint32_t>(step);
    v3[l] = static_cast<uint32_t>(static_cast<uint64_t>(step) >> 32);
  }
  uint32_t key0 = key.key0, key1 = key.key1;
  for (int round = 0; round < 10; ++round) {
#pragma omp simd
    for (int64_t l = 0; l < kQuads; ++l) {
      const uint64_t a = uint64_t{0xD2511F53u} * v0[l];
      const uint64_t b = uint64_t{0xCD9E8D57u} * v2[l];
      v0[l] = static_cast<uint32_t>(b >> 32) ^ v1[l] ^ key0;
      v2[l] = static_cast<uint32_t>(a >> 32) ^ v3[l] ^ key1;
      v1[l] = static_cast<uint32_t>(b);
      v3[l] = static_cast<uint32_t>(a);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (int64_t l = 0; l < kQuads; ++l) {
    words[4 * l] = v0[l];
    words[4 * l + 1] = v1[l];
    words[4 * l + 2] = v2[l];
    words[4 * l + 3] = v3[l];
  }
}

}  // namespace gantry::cpu
