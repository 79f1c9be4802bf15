// SPDX-License-Identifier: Apache-2.0
#include "core/shuffle.h"
#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::at;
using reference::loop;

int64_t integer_below(uint32_t word, int64_t count) {
  return static_cast<int64_t>(static_cast<double>(word) / 4294967296.0 *
                              static_cast<double>(count));
}

void decode_sample(const DecodeDesc& d, const Args& a, int64_t i, const uint8_t* set, int64_t index,
                   uint64_t g) {
  const RandomKey key = random_key(d.seed, Purpose::kAugment);
  const PhiloxBlock mirror = random_block(key, g, 0, 0), place = random_block(key, g, 0, 1);
  const int64_t down = integer_below(place.v[0], 2 * d.shift + 1) - d.shift;
  const int64_t across = integer_below(place.v[1], 2 * d.shift + 1) - d.shift;
  const int64_t top = integer_below(place.v[2], d.h - d.y.h + 1);
  const int64_t left = integer_below(place.v[3], d.w - d.y.w + 1);
  for (int64_t h = 0; h < d.y.h; ++h)
    for (int64_t w = 0; w < d.y.w; ++w)
      for (int64_t c = 0; c < d.y.c; ++c) {
        int64_t row = h + top - down, column = w + left - across;
        const bool inside = row >= 0 && row < d.h && column >= 0 && column < d.w;
        if (d.vertical_flip && mirror.v[1] % 2 == 1) row = d.h - 1 - row;
        if (d.flip && mirror.v[0] % 2 == 1) column = d.w - 1 - column;
        const double byte = inside ? set[at(d.stored(), index, c, row, column)] : d.fill;
        a.real(0)[at(d.y, i, c, h, w)] = d.low + (d.high - d.low) * byte / 255;
      }
}

}  // namespace

Kernels::Made ReferenceKernels::make_decode(const DecodeDesc& d) {
  return loop(d.labels ? 5 : 3, [d](Args a) {
    const int64_t first = *a.counter(d.labels ? 4 : 2);
    const Shuffle order(d.seed, d.count);
    for (int64_t i = 0; i < d.y.n; ++i) {
      const int64_t g = first + i, position = g % d.count;
      const int64_t index =
          d.shuffle ? order.place(static_cast<uint64_t>(g / d.count), position) : position;
      decode_sample(d, a, i, a.bytes(d.labels ? 2 : 1), index, static_cast<uint64_t>(g));
      if (d.labels) a.real(1)[i] = a.index(3)[index];
    }
  });
}

}  // namespace gantry
