// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/philox.h"
#include "kernels/ops/norm.h"

namespace gantry::cuda {

// Every kind of normalisation, seen as [groups][rows][columns] in memory with columns = C. A mean
// belongs to `slice` neighbouring columns of one group; slices x slice = columns:
//   batch     groups = batch_groups, rows = samples h w, slice = 1
//   instance  groups = n, rows = h w, slice = 1
//   layer     groups = n, rows = h w, slice = C
//   group     groups = n, rows = h w, slice = C / channel_groups
// First each column of each group is summed up, in chunks of rows; then what belongs together.
struct NormLayout {
  int64_t rows = 0;
  int columns = 0, groups = 0, slice = 1, slices = 0;
  int64_t chunk_rows = 0;
  int chunks = 0;

  GANTRY_HOST_DEVICE int64_t columns_in_all() const { return int64_t{groups} * columns; }
  GANTRY_HOST_DEVICE int64_t stat(int64_t group, int column) const {
    return group * slices + column / slice;
  }
  // Elements that share a mean.
  GANTRY_HOST_DEVICE double values() const {
    return static_cast<double>(rows) * static_cast<double>(slice);
  }
};

// How the threads of a block lie over columns and rows: `across` packs of columns side by side (a
// power of two up to 32), the other threads below them.
struct NormTile {
  int across = 0, down = 0;
};

}  // namespace gantry::cuda
