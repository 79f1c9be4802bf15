// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace gantry::cpu {

// Work is cut by its size alone, and partial sums are combined in the order of their index. The
// thread count decides only who computes a piece, so no result here depends on it.

// Calls body(i) for i in [0, count), each once, on up to `threads` threads. Body must not throw.
template <typename Body>
void parallel_for(int threads, int64_t count, const Body& body) {
  if (threads <= 1 || count <= 1) {
    for (int64_t i = 0; i < count; ++i) body(i);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t i = 0; i < count; ++i) body(i);
}

// A range of `size` items cut into pieces of `length`, the last one shorter.
struct Pieces {
  int64_t size = 0, length = 1;

  int64_t count() const { return (size + length - 1) / length; }
  int64_t begin(int64_t piece) const { return piece * length; }
  int64_t end(int64_t piece) const { return std::min(size, (piece + 1) * length); }
  int64_t size_of(int64_t piece) const { return end(piece) - begin(piece); }
};

// At most `most` equal pieces of at least `least` items; lengths are multiples of `least`.
inline Pieces cut(int64_t size, int64_t least, int64_t most) {
  const int64_t wanted = (size + most - 1) / most;
  return {size, std::max<int64_t>(1, (wanted + least - 1) / least) * least};
}

// Elements that are worth a piece of their own: 64 KiB of floats.
inline constexpr int64_t kGrain = 16384;

// Calls body(begin, end) over [0, size) for independent elements.
template <typename Body>
void parallel_ranges(int threads, int64_t size, const Body& body) {
  const Pieces pieces{size, kGrain};
  parallel_for(threads, pieces.count(),
               [&](int64_t piece) { body(pieces.begin(piece), pieces.end(piece)); });
}

// Sum of values[0 .. count) in the order of a balanced binary tree. Overwrites values.
template <typename Real>
Real tree_sum(Real* values, int64_t count) {
  for (int64_t step = 1; step < count; step *= 2)
    for (int64_t i = 0; i + step < count; i += 2 * step) values[i] += values[i + step];
  return count > 0 ? values[0] : Real{0};
}

}  // namespace gantry::cpu
