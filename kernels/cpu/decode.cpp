// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "kernels/common/decode_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

using cpu::Args;
using Table = std::array<float, 256>;

Table table_of(const DecodeDesc& d) {
  Table table;
  for (size_t i = 0; i < table.size(); ++i) table[i] = decoded(d, static_cast<int>(i));
  return table;
}

void decode_sample(const DecodeDesc& d, const Table& table, const SampleView& view,
                   const uint8_t* sample, float* y) {
  for (int64_t h = 0; h < d.y.h; ++h) {
    for (int64_t w = 0; w < d.y.w; ++w, y += d.y.c) {
      const int64_t pixel = shown_pixel(d, view, h, w);
      for (int64_t c = 0; c < d.y.c; ++c)
        y[c] = table[pixel < 0 ? d.fill : sample[pixel * d.y.c + c]];
    }
  }
}

}  // namespace

CpuKernels::Made CpuKernels::make_decode(const DecodeDesc& d) {
  const Table table = table_of(d);
  const Shuffle shuffle(d.seed, d.count);
  const size_t in = d.labels ? 2 : 1;
  return cpu::loop_kernel(d.labels ? 5 : 3, 0, [=, threads = threads()](Args a, void*) {
    const uint8_t* set = a.bytes(in);
    const uint64_t first = static_cast<uint64_t>(*a.counter(d.labels ? 4 : 2));
    cpu::parallel_for(threads, d.y.n, [&](int64_t i) {
      const SampleView view = sample_view(d, shuffle, first + static_cast<uint64_t>(i));
      decode_sample(d, table, view, set + view.index * d.stored().per_sample(),
                    a.real(0) + i * d.y.per_sample());
      if (d.labels) a.real(1)[i] = static_cast<float>(a.index(3)[view.index]);
    });
  });
}

}  // namespace gantry
