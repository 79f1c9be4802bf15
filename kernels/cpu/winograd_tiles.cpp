// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/winograd_tiles.h"

#include <algorithm>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/winograd_maps.h"

namespace gantry {

using winograd::Adjoints, winograd::both_sides, winograd::kInput, winograd::kInputAdjoint;
using winograd::kLanes, winograd::kSide, winograd::Lanes, winograd::load, winograd::load_planes;
using winograd::load_window, winograd::Maps, winograd::store, winograd::store_planes;

bool WinogradTiles::fits(const Conv2dDesc& d) {
  if (d.groups > 1 || d.dilation_h > 1 || d.dilation_w > 1) return false;
  if (d.stride_h != d.stride_w || d.stride_h > 2 || d.w.h != d.w.w) return false;
  const int64_t taps = (d.w.h + d.stride_h - 1) / d.stride_h;
  return (taps == 2 || taps == 3) && d.x.c % kLanes == 0 && d.y.c % kLanes == 0;
}

WinogradTiles::WinogradTiles(const Conv2dDesc& desc, int threads)
    : d_(desc),
      threads_(threads),
      taps_((desc.w.h + desc.stride_h - 1) / desc.stride_h),
      size_(kSide + 1 - taps_),
      tiles_h_((desc.y.h + size_ - 1) / size_),
      tiles_w_((desc.y.w + size_ - 1) / size_) {}

WinogradTiles::Window WinogradTiles::input_window(int64_t tile, int64_t phase) const {
  const int64_t s = d_.stride_h;
  const int64_t top = tile / tiles_w_ * size_ * s + phase / s - d_.pad_top;
  const int64_t left = tile % tiles_w_ * size_ * s + phase % s - d_.pad_left;
  Window window{};
  for (int64_t e = 0; e < kPlanes; ++e) {
    const int64_t row = top + e / kSide * s, column = left + e % kSide * s;
    const bool inside = row >= 0 && row < d_.x.h && column >= 0 && column < d_.x.w;
    window[e] = inside ? (row * d_.x.w + column) * d_.x.c : -1;
  }
  return window;
}

WinogradTiles::Window WinogradTiles::output_window(int64_t tile) const {
  Window window{};
  for (int64_t e = 0; e < size_ * size_; ++e) {
    const int64_t row = tile / tiles_w_ * size_ + e / size_;
    const int64_t column = tile % tiles_w_ * size_ + e % size_;
    const bool inside = row < d_.y.h && column < d_.y.w;
    window[e] = inside ? (row * d_.y.w + column) * d_.y.c : -1;
  }
  return window;
}

WinogradTiles::Window WinogradTiles::taps_of(int64_t phase) const {
  const int64_t s = d_.stride_h;
  Window window{};
  for (int64_t e = 0; e < taps_ * taps_; ++e) {
    const int64_t p = e / taps_ * s + phase / s, q = e % taps_ * s + phase % s;
    window[e] = p < d_.w.h && q < d_.w.w ? (p * d_.w.w + q) * d_.w.c : -1;
  }
  return window;
}

void WinogradTiles::input(const float* x, int64_t samples, Order order, float* v) const {
  const int64_t tiles = samples * per_sample(), step = plane(tiles, depth());
  // From one tile to the next, and from channels to those that follow.
  const int64_t down = order == Order::kRows ? depth() : kLanes;
  const int64_t along = order == Order::kRows ? kLanes : tiles * kLanes;
  cpu::parallel_for(threads_, tiles, [&](int64_t tile) {
    const float* sample = x + tile / per_sample() * d_.x.per_sample();
    for (int64_t phase = 0; phase < phases(); ++phase) {
      const Window window = input_window(tile % per_sample(), phase);
      float* to = v + tile * down + phase * d_.x.c / kLanes * along;
      for (int64_t c = 0; c < d_.x.c; c += kLanes, to += along) {
        Lanes in[kPlanes], out[kPlanes];
        load_window<kPlanes>(sample + c, window, in);
        both_sides<kInput>(in, out);
        store_planes(out, step, to);
      }
    }
  });
}

// Tiles overlap, but samples, phases and channels do not.
void WinogradTiles::input_adjoint(const float* v, int64_t samples, float* x) const {
  const int64_t tiles = samples * per_sample(), step = plane(tiles, depth());
  constexpr int64_t kChannels = 4 * kLanes;
  const cpu::Pieces pieces{d_.x.c, kChannels};
  cpu::parallel_for(threads_, samples * phases() * pieces.count(), [&](int64_t task) {
    const int64_t piece = task % pieces.count(), phase = task / pieces.count() % phases();
    const int64_t n = task / pieces.count() / phases();
    float* sample = x + n * d_.x.per_sample();
    zero_phase(phase, pieces.begin(piece), pieces.size_of(piece), sample);
    for (int64_t tile = 0; tile < per_sample(); ++tile) {
      const Window window = input_window(tile, phase);
      const float* from = v + (n * per_sample() + tile) * depth() + phase * d_.x.c;
      for (int64_t c = pieces.begin(piece); c < pieces.end(piece); c += kLanes) {
        Lanes in[kPlanes], out[kPlanes];
        load_planes(from + c, step, in);
        both_sides<kInputAdjoint>(in, out);
        for (int64_t e = 0; e < kPlanes; ++e) {
          if (window[e] < 0) continue;
          Lanes sum;
          load(sample + window[e] + c, sum);
          store(sum + out[e], sample + window[e] + c);
        }
      }
    }
  });
}

void WinogradTiles::zero_phase(int64_t phase, int64_t first, int64_t count, float* sample) const {
  const int64_t s = d_.stride_h;
  const auto residue = [s](int64_t position) { return (position % s + s) % s; };
  for (int64_t i = residue(phase / s - d_.pad_top); i < d_.x.h; i += s) {
    for (int64_t j = residue(phase % s - d_.pad_left); j < d_.x.w; j += s) {
      std::fill_n(sample + (i * d_.x.w + j) * d_.x.c + first, count, 0.0f);
    }
  }
}

template <int kTaps>
void WinogradTiles::output_of(const float* m, int64_t samples, float* y) const {
  constexpr int kSize = kSide + 1 - kTaps;
  const int64_t tiles = samples * per_sample(), step = plane(tiles, d_.y.c);
  cpu::parallel_for(threads_, tiles, [&](int64_t tile) {
    float* sample = y + tile / per_sample() * d_.y.per_sample();
    const Window window = output_window(tile % per_sample());
    for (int64_t c = 0; c < d_.y.c; c += kLanes) {
      Lanes in[kPlanes], out[kSize * kSize];
      load_planes(m + tile * d_.y.c + c, step, in);
      both_sides<Maps<kTaps>::kOutput>(in, out);
      for (int e = 0; e < kSize * kSize; ++e) {
        if (window[e] >= 0) store(out[e], sample + window[e] + c);
      }
    }
  });
}

template <int kTaps>
void WinogradTiles::output_adjoint_of(const float* y, int64_t samples, float* m) const {
  constexpr int kSize = kSide + 1 - kTaps;
  const int64_t tiles = samples * per_sample(), step = plane(tiles, d_.y.c);
  cpu::parallel_for(threads_, tiles, [&](int64_t tile) {
    const float* sample = y + tile / per_sample() * d_.y.per_sample();
    const Window window = output_window(tile % per_sample());
    for (int64_t c = 0; c < d_.y.c; c += kLanes) {
      Lanes in[kSize * kSize], out[kPlanes];
      load_window<kSize * kSize>(sample + c, window, in);
      both_sides<Adjoints<kTaps>::kOutput>(in, out);
      store_planes(out, step, m + tile * d_.y.c + c);
    }
  });
}

template <int kTaps>
void WinogradTiles::filter_of(const float* w, float* u) const {
  const int64_t step = plane(d_.y.c, depth());
  cpu::parallel_for(threads_, d_.y.c, [&](int64_t o) {
    for (int64_t phase = 0; phase < phases(); ++phase) {
      const Window window = taps_of(phase);
      float* to = u + phase * d_.x.c * d_.y.c + o * kLanes;
      for (int64_t c = 0; c < d_.x.c; c += kLanes, to += d_.y.c * kLanes) {
        Lanes in[kTaps * kTaps], out[kPlanes];
        load_window<kTaps * kTaps>(w + o * d_.w.per_sample() + c, window, in);
        both_sides<Maps<kTaps>::kFilter>(in, out);
        store_planes(out, step, to);
      }
    }
  });
}

template <int kTaps>
void WinogradTiles::filter_transposed_of(const float* w, float* u) const {
  const int64_t step = plane(d_.y.c, depth()), pieces = d_.x.c / kLanes;
  cpu::parallel_for(threads_, d_.y.c / kLanes * phases() * pieces, [&](int64_t task) {
    const int64_t panel = task / pieces / phases(), row = task % (pieces * phases()) * kLanes;
    const Window window = taps_of(row / d_.x.c);
    Lanes square[kPlanes][kLanes];  // by filter
    for (int64_t i = 0; i < kLanes; ++i) {
      Lanes in[kTaps * kTaps], out[kPlanes];
      const float* filter = w + (panel * kLanes + i) * d_.w.per_sample();
      load_window<kTaps * kTaps>(filter + row % d_.x.c, window, in);
      both_sides<Maps<kTaps>::kFilter>(in, out);
      for (int64_t f = 0; f < kPlanes; ++f) square[f][i] = out[f];
    }
    for (int64_t f = 0; f < kPlanes; ++f) {
      float* to = u + f * step + (panel * depth() + row) * kLanes;
      for (int64_t k = 0; k < kLanes; ++k) {
        for (int64_t i = 0; i < kLanes; ++i) to[k * kLanes + i] = square[f][i][k];
      }
    }
  });
}

template <int kTaps>
void WinogradTiles::filter_adjoint_of(const float* u, bool accumulate, float* w) const {
  const int64_t step = plane(d_.y.c, depth());
  cpu::parallel_for(threads_, d_.y.c, [&](int64_t o) {
    for (int64_t phase = 0; phase < phases(); ++phase) {
      const Window window = taps_of(phase);
      for (int64_t c = 0; c < d_.x.c; c += kLanes) {
        Lanes in[kPlanes], out[kTaps * kTaps];
        load_planes(u + o * depth() + phase * d_.x.c + c, step, in);
        both_sides<Adjoints<kTaps>::kFilter>(in, out);
        for (int e = 0; e < kTaps * kTaps; ++e) {
          if (window[e] < 0) continue;
          float* to = w + o * d_.w.per_sample() + window[e] + c;
          Lanes old{};
          if (accumulate) load(to, old);
          store(old + out[e], to);
        }
      }
    }
  });
}

void WinogradTiles::output(const float* m, int64_t samples, float* y) const {
  taps_ == 2 ? output_of<2>(m, samples, y) : output_of<3>(m, samples, y);
}

void WinogradTiles::output_adjoint(const float* y, int64_t samples, float* m) const {
  taps_ == 2 ? output_adjoint_of<2>(y, samples, m) : output_adjoint_of<3>(y, samples, m);
}

void WinogradTiles::filter(const float* w, float* u) const {
  taps_ == 2 ? filter_of<2>(w, u) : filter_of<3>(w, u);
}

void WinogradTiles::filter_transposed(const float* w, float* u) const {
  taps_ == 2 ? filter_transposed_of<2>(w, u) : filter_transposed_of<3>(w, u);
}

void WinogradTiles::filter_adjoint(const float* u, bool accumulate, float* w) const {
  taps_ == 2 ? filter_adjoint_of<2>(u, accumulate, w) : filter_adjoint_of<3>(u, accumulate, w);
}

}  // namespace gantry
