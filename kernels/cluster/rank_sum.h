// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "kernels/ops/all_reduce.h"

namespace gantry {

// out[i] = scale (parts[0][i] + parts[1][i] + ...), in host memory: the arithmetic of
// kernels/ops/all_reduce.h that every engine on the host shares. `out` may be one of the parts.
void add_ranks(const AllReduceDesc& desc, void* out, std::span<void* const> parts, int64_t count);

// Up to here every rank takes all of x and adds it up itself: one exchange instead of two.
inline constexpr int64_t kSmallSum = 4096;

// The elements of x that rank `rank` adds up, when each adds up one piece of it.
struct RankPiece {
  int64_t first = 0, count = 0;
};
// Every rank's piece has a place of length piece_length(); the last ones may be shorter or empty.
int64_t piece_length(int64_t size, int ranks);
RankPiece piece_of(int64_t size, int ranks, int rank);

}  // namespace gantry
