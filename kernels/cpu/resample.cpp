// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sparse_axis.h"

namespace gantry {
namespace {

using cpu::Args;
using cpu::SparseAxis;

SparseAxis nearest(int64_t size, int64_t factor) {
  std::vector<SparseAxis::Entry> entries;
  for (int64_t i = 0; i < size * factor; ++i) entries.push_back({i, i / factor, 1});
  return SparseAxis(size * factor, entries);
}

SparseAxis bilinear(int64_t size, int64_t factor) {
  std::vector<SparseAxis::Entry> entries;
  for (int64_t i = 0; i < size * factor; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) / static_cast<double>(factor) - 0.5;
    const double place = std::clamp(centre, 0.0, static_cast<double>(size - 1));
    const int64_t low = static_cast<int64_t>(place);
    const float share = static_cast<float>(place - static_cast<double>(low));
    entries.push_back({i, low, 1 - share});
    if (share > 0) entries.push_back({i, low + 1, share});
  }
  return SparseAxis(size * factor, entries);
}

int64_t reflected(int64_t i, int64_t size) {
  if (i < 0) i = -i;
  return i < size ? i : 2 * (size - 1) - i;
}

SparseAxis padded(PadDesc::Kind kind, int64_t size, int64_t before, int64_t after) {
  std::vector<SparseAxis::Entry> entries;
  for (int64_t i = 0; i < size + before + after; ++i) {
    int64_t source = i - before;
    if (kind == PadDesc::Kind::kReflect) source = reflected(source, size);
    if (source >= 0 && source < size) entries.push_back({i, source, 1});
  }
  return SparseAxis(size + before + after, entries);
}

// y = (vertical x horizontal) x for every sample and channel.
std::shared_ptr<Kernel> separable(SparseAxis vertical, SparseAxis horizontal, const Shape& x,
                                  int threads) {
  const Shape y{x.n, x.c, vertical.size(), horizontal.size()};
  return cpu::loop_kernel(2, 0, [=](Args a, void*) {
    float* out = a.real(0);
    const float* in = a.real(1);
    cpu::parallel_for(threads, y.n * y.h, [&](int64_t i) {
      const float* image = in + i / y.h * x.per_sample();
      float* row = out + i * y.w * y.c;
      for (int64_t w = 0; w < y.w; ++w)
        cpu::weighted_pixel(vertical.of(i % y.h), horizontal.of(w), image, x.w, x.c, row + w * y.c);
    });
  });
}

std::shared_ptr<Kernel> either_way(const SparseAxis& vertical, const SparseAxis& horizontal,
                                   const Shape& x, LinearPass pass, int threads) {
  if (pass == LinearPass::kForward) return separable(vertical, horizontal, x, threads);
  const Shape y{x.n, x.c, vertical.size(), horizontal.size()};
  return separable(vertical.transposed(x.h), horizontal.transposed(x.w), y, threads);
}

}  // namespace

CpuKernels::Made CpuKernels::make_upsample(const UpsampleDesc& d, LinearPass pass) {
  const auto axis = d.kind == UpsampleDesc::Kind::kNearest ? nearest : bilinear;
  return either_way(axis(d.x.h, d.factor), axis(d.x.w, d.factor), d.x, pass, threads());
}

CpuKernels::Made CpuKernels::make_pad(const PadDesc& d, LinearPass pass) {
  return either_way(padded(d.kind, d.x.h, d.top, d.bottom), padded(d.kind, d.x.w, d.left, d.right),
                    d.x, pass, threads());
}

CpuKernels::Made CpuKernels::make_channel_concat(const ConcatDesc& d, LinearPass pass) {
  const int64_t pixels = d.x.front().n * d.x.front().pixels();
  int64_t channels = 0;
  for (const Shape& x : d.x) channels += x.c;
  const bool forward = pass == LinearPass::kForward;
  return cpu::loop_kernel(1 + d.x.size(), 0, [=, threads = threads()](Args a, void*) {
    float* whole = a.real(forward ? 0 : d.x.size());
    const cpu::Pieces pieces{pixels, std::max<int64_t>(1, cpu::kGrain / channels)};
    cpu::parallel_for(threads, pieces.count(), [&](int64_t piece) {
      int64_t first = 0;
      for (size_t i = 0; i < d.x.size(); ++i) {
        const int64_t count = d.x[i].c;
        const size_t bytes = static_cast<size_t>(count) * sizeof(float);
        float* part = a.real(forward ? 1 + i : i);
        for (int64_t p = pieces.begin(piece); p < pieces.end(piece); ++p) {
          float *outer = whole + p * channels + first, *inner = part + p * count;
          std::memcpy(forward ? outer : inner, forward ? inner : outer, bytes);
        }
        first += count;
      }
    });
  });
}

}  // namespace gantry
