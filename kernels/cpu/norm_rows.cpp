// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/norm_rows.h"

namespace gantry::cpu {
namespace {

constexpr int64_t kWidestJoined = 128;     // lanes of a row made of several pixels
constexpr int64_t kChunkElements = 65536;  // 256 KiB: a segment up to this is done while cached
constexpr int64_t kMostChunks = 32;

// Pixels per row: the largest divisor of `pixels` that keeps a row within kWidestJoined lanes.
int64_t joined_pixels(int64_t pixels, int64_t channels) {
  int64_t best = 1;
  for (int64_t k = 2; k * channels <= kWidestJoined; ++k)
    if (pixels % k == 0) best = k;
  return best;
}

}  // namespace

NormRows::NormRows(const NormDesc& desc) : channels(desc.x.c) {
  segments = desc.kind == NormKind::kBatch ? desc.batch_groups : desc.x.n;
  groups = norm_stats_shape(desc).c;
  const int64_t pixels = desc.x.n / segments * desc.x.pixels();
  const int64_t joined = joined_pixels(pixels, channels);
  rows = pixels / joined;
  width = joined * channels;
  const int64_t most = std::max<int64_t>(1, kMostChunks / segments);
  const int64_t least = std::max<int64_t>(kNormBlock, (kChunkElements + width - 1) / width);
  chunks = cut(rows, (least + kNormBlock - 1) / kNormBlock * kNormBlock, most);
}

}  // namespace gantry::cpu
