// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/norm_layout.h"

#include <algorithm>

namespace gantry::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWidth = 4;
// Blocks that keep every multiprocessor of the largest GPU busy. Not asked of the GPU: the cut
// decides the order of the sums.
constexpr int64_t kBlocks = 1024;
constexpr int64_t kLeastRows = 4;     // for one thread
constexpr int64_t kMostChunks = 512;  // which one thread in eight adds up

int64_t divided_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

NormTile norm_tile(int columns, int width) {
  const int packs = static_cast<int>(divided_up(columns, width));
  int across = 1;
  while (across < packs && across < 32) across *= 2;
  return {across, kThreads / across};
}

NormLayout norm_layout(const NormDesc& d) {
  const bool batch = d.kind == NormKind::kBatch;
  const bool own_mean = batch || d.kind == NormKind::kInstance;
  NormLayout r;
  r.columns = static_cast<int>(d.x.c);
  r.groups = static_cast<int>(batch ? d.batch_groups : d.x.n);
  r.rows = d.x.n * d.x.pixels() / r.groups;
  if (own_mean) {
    r.slices = r.columns;
  } else {
    r.slices = static_cast<int>(d.kind == NormKind::kGroup ? d.channel_groups : 1);
  }
  r.slice = r.columns / r.slices;

  const NormTile tile = norm_tile(r.columns, r.columns % kWidth == 0 ? kWidth : 1);
  const int64_t tiles = divided_up(r.columns, int64_t{tile.across} * kWidth);
  const int64_t wanted = std::min(kMostChunks, kBlocks / (tiles * r.groups));
  const int64_t most = divided_up(r.rows, tile.down * kLeastRows);
  const int64_t chunks = std::max<int64_t>(1, std::min(wanted, most));
  r.chunk_rows = divided_up(r.rows, chunks);
  r.chunks = static_cast<int>(divided_up(r.rows, r.chunk_rows));
  return r;
}

}  // namespace gantry::cuda
