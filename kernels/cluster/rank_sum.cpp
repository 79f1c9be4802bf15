// SPDX-License-Identifier: Apache-2.0
#include "kernels/cluster/rank_sum.h"

#include <algorithm>
#include <array>

namespace gantry {
namespace {

constexpr int64_t kBlock = 1024;
constexpr int64_t kPieceUnit = 16;  // elements: pieces of two ranks share no cache line

template <typename Real>
using Block = std::array<Real, kBlock>;

// The sum of parts[..][first .. first + count) into sum[0 .. count). Split at the largest power of
// two below the number of parts, which is what pairing neighbours over and over comes to.
template <typename Real>
void add_block(Real* sum, std::span<void* const> parts, int64_t first, int64_t count) {
  const auto part = [&](size_t i) { return static_cast<const Real*>(parts[i]) + first; };
  if (parts.size() == 1) {
    std::copy_n(part(0), count, sum);
    return;
  }
  if (parts.size() == 2) {
    const Real *a = part(0), *b = part(1);
    for (int64_t i = 0; i < count; ++i) sum[i] = a[i] + b[i];
    return;
  }
  size_t left = 1;
  while (2 * left < parts.size()) left *= 2;
  Block<Real> right;
  add_block(right.data(), parts.subspan(left), first, count);
  add_block(sum, parts.first(left), first, count);
  for (int64_t i = 0; i < count; ++i) sum[i] += right[static_cast<size_t>(i)];
}

template <typename Real>
void add_all(Real* out, std::span<void* const> parts, int64_t count, Real scale) {
  Block<Real> sum;
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t n = std::min(kBlock, count - first);
    add_block(sum.data(), parts, first, n);
    for (int64_t i = 0; i < n; ++i) out[first + i] = scale * sum[static_cast<size_t>(i)];
  }
}

}  // namespace

void add_ranks(const AllReduceDesc& desc, void* out, std::span<void* const> parts, int64_t count) {
  if (desc.dtype == DType::kF32) {
    add_all(static_cast<float*>(out), parts, count, static_cast<float>(desc.scale));
  } else {
    add_all(static_cast<double*>(out), parts, count, desc.scale);
  }
}

int64_t piece_length(int64_t size, int ranks) {
  const int64_t each = (size + ranks - 1) / ranks;
  return (each + kPieceUnit - 1) / kPieceUnit * kPieceUnit;
}

RankPiece piece_of(int64_t size, int ranks, int rank) {
  const int64_t length = piece_length(size, ranks);
  const int64_t first = std::min(size, rank * length);
  return {first, std::min(length, size - first)};
}

}  // namespace gantry
