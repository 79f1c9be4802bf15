// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/winograd_tiles.h"

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/winograd_maps.h"

namespace gantry {

using winograd::both_sides, winograd::kLanes, winograd::Lanes, winograd::load;
using winograd::load_planes, winograd::load_window, winograd::store, winograd::store_planes;

namespace {

// Numbers of elements, and the maps down and across, of tiles of kH x kW.
template <int kTaps, int kH, int kW>
struct Sizes {
  static constexpr int kPlanes = (kH + kTaps - 1) * (kW + kTaps - 1);
  static constexpr int kOutputs = kH * kW, kFilter = kTaps * kTaps;
  using Down = winograd::Maps<kTaps, kH>;
  using Across = winograd::Maps<kTaps, kW>;
  using DownAdjoint = winograd::Adjoints<kTaps, kH>;
  using AcrossAdjoint = winograd::Adjoints<kTaps, kW>;
};

}  // namespace

// As many threes as leave a multiple of two: seven products for five outputs instead of eight for
// six.
std::vector<WinogradTiles::Row> WinogradTiles::rows(int64_t length, int64_t taps) {
  if (taps == 3 || length == 1) return {{0, (length + 1) / 2, 2}};
  const int64_t pairs = (3 - length % 3) % 3, threes = (length - 2 * pairs) / 3;
  std::vector<Row> rows;
  if (threes > 0) rows.push_back({0, threes, 3});
  if (pairs > 0) rows.push_back({3 * threes, pairs, 2});
  return rows;
}

std::vector<WinogradTiles> WinogradTiles::cover(const Conv2dDesc& d, int threads) {
  if (d.groups > 1 || d.dilation_h > 1 || d.dilation_w > 1) return {};
  if (d.stride_h != d.stride_w || d.stride_h > 2 || d.w.h != d.w.w) return {};
  const int64_t taps = (d.w.h + d.stride_h - 1) / d.stride_h;
  if (taps < 2 || taps > 3 || d.x.c % kLanes > 0 || d.y.c % kLanes > 0) return {};
  std::vector<WinogradTiles> tiles;
  for (const Row& down : rows(d.y.h, taps)) {
    for (const Row& across : rows(d.y.w, taps)) {
      tiles.push_back(WinogradTiles(d, down, across, threads));
    }
  }
  return tiles;
}

WinogradTiles::WinogradTiles(const Conv2dDesc& desc, const Row& down, const Row& across,
                             int threads)
    : d_(desc),
      threads_(threads),
      taps_((desc.w.h + desc.stride_h - 1) / desc.stride_h),
      top_(down.first),
      left_(across.first),
      tiles_h_(down.count),
      tiles_w_(across.count),
      size_h_(down.size),
      size_w_(across.size) {}

WinogradTiles::Window WinogradTiles::input_window(int64_t tile, int64_t phase) const {
  const int64_t s = d_.stride_h;
  const int64_t top = (top_ + tile / tiles_w_ * size_h_) * s + phase / s - d_.pad_top;
  const int64_t left = (left_ + tile % tiles_w_ * size_w_) * s + phase % s - d_.pad_left;
  Window window{};
  for (int64_t e = 0; e < planes(); ++e) {
    const int64_t row = top + e / side_w() * s, column = left + e % side_w() * s;
    const bool inside = row >= 0 && row < d_.x.h && column >= 0 && column < d_.x.w;
    window[e] = inside ? (row * d_.x.w + column) * d_.x.c : -1;
  }
  return window;
}

WinogradTiles::Window WinogradTiles::output_window(int64_t tile) const {
  Window window{};
  for (int64_t e = 0; e < size_h_ * size_w_; ++e) {
    const int64_t row = top_ + tile / tiles_w_ * size_h_ + e / size_w_;
    const int64_t column = left_ + tile % tiles_w_ * size_w_ + e % size_w_;
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

template <typename Body>
void WinogradTiles::visit(const Body& body) const {
  if (taps_ == 3) return body(Sizes<3, 2, 2>{});
  if (size_h_ == 3) return size_w_ == 3 ? body(Sizes<2, 3, 3>{}) : body(Sizes<2, 3, 2>{});
  return size_w_ == 3 ? body(Sizes<2, 2, 3>{}) : body(Sizes<2, 2, 2>{});
}

void WinogradTiles::input(const float* x, int64_t samples, Order order, float* v) const {
  const int64_t tiles = samples * per_sample(), step = plane(tiles, depth());
  // From one tile to the next, and from channels to those that follow.
  const int64_t down = order == Order::kRows ? depth() : kLanes;
  const int64_t along = order == Order::kRows ? kLanes : tiles * kLanes;
  visit([&]<typename Of>(Of) {
    cpu::parallel_for(threads_, tiles, [&](int64_t tile) {
      const float* sample = x + tile / per_sample() * d_.x.per_sample();
      for (int64_t phase = 0; phase < phases(); ++phase) {
        const Window window = input_window(tile % per_sample(), phase);
        float* to = v + tile * down + phase * d_.x.c / kLanes * along;
        for (int64_t c = 0; c < d_.x.c; c += kLanes, to += along) {
          Lanes in[Of::kPlanes], out[Of::kPlanes];
          load_window<Of::kPlanes>(sample + c, window, in);
          both_sides<Of::Down::kInput, Of::Across::kInput>(in, out);
          store_planes<Of::kPlanes>(out, step, to);
        }
      }
    });
  });
}

// Tiles overlap, but samples, phases and channels do not.
void WinogradTiles::input_adjoint(const float* v, int64_t samples, float* x) const {
  const int64_t tiles = samples * per_sample(), step = plane(tiles, depth());
  constexpr int64_t kChannels = 4 * kLanes;
  const cpu::Pieces pieces{d_.x.c, kChannels};
  visit([&]<typename Of>(Of) {
    cpu::parallel_for(threads_, samples * phases() * pieces.count(), [&](int64_t task) {
      const int64_t piece = task % pieces.count(), phase = task / pieces.count() % phases();
      const int64_t n = task / pieces.count() / phases();
      float* sample = x + n * d_.x.per_sample();
      for (int64_t tile = 0; tile < per_sample(); ++tile) {
        const Window window = input_window(tile, phase);
        const float* from = v + (n * per_sample() + tile) * depth() + phase * d_.x.c;
        for (int64_t c = pieces.begin(piece); c < pieces.end(piece); c += kLanes) {
          Lanes in[Of::kPlanes], out[Of::kPlanes];
          load_planes<Of::kPlanes>(from + c, step, in);
          both_sides<Of::DownAdjoint::kInput, Of::AcrossAdjoint::kInput>(in, out);
          for (int e = 0; e < Of::kPlanes; ++e) {
            if (window[e] < 0) continue;
            Lanes sum;
            load(sample + window[e] + c, sum);
            store(sum + out[e], sample + window[e] + c);
          }
        }
      }
    });
  });
}

void WinogradTiles::output(const float* m, int64_t samples, float* y) const {
  const int64_t tiles = samples * per_sample(), step = plane(tiles, d_.y.c);
  visit([&]<typename Of>(Of) {
    cpu::parallel_for(threads_, tiles, [&](int64_t tile) {
      float* sample = y + tile / per_sample() * d_.y.per_sample();
      const Window window = output_window(tile % per_sample());
      for (int64_t c = 0; c < d_.y.c; c += kLanes) {
        Lanes in[Of::kPlanes], out[Of::kOutputs];
        load_planes<Of::kPlanes>(m + tile * d_.y.c + c, step, in);
        both_sides<Of::Down::kOutput, Of::Across::kOutput>(in, out);
        for (int e = 0; e < Of::kOutputs; ++e) {
          if (window[e] >= 0) store(out[e], sample + window[e] + c);
        }
      }
    });
  });
}

void WinogradTiles::output_adjoint(const float* y, int64_t samples, float* m) const {
  const int64_t tiles = samples * per_sample(), step = plane(tiles, d_.y.c);
  visit([&]<typename Of>(Of) {
    cpu::parallel_for(threads_, tiles, [&](int64_t tile) {
      const float* sample = y + tile / per_sample() * d_.y.per_sample();
      const Window window = output_window(tile % per_sample());
      for (int64_t c = 0; c < d_.y.c; c += kLanes) {
        Lanes in[Of::kOutputs], out[Of::kPlanes];
        load_window<Of::kOutputs>(sample + c, window, in);
        both_sides<Of::DownAdjoint::kOutput, Of::AcrossAdjoint::kOutput>(in, out);
        store_planes<Of::kPlanes>(out, step, m + tile * d_.y.c + c);
      }
    });
  });
}

void WinogradTiles::filter(const float* w, float* u) const {
  const int64_t step = plane(d_.y.c, depth());
  visit([&]<typename Of>(Of) {
    cpu::parallel_for(threads_, d_.y.c, [&](int64_t o) {
      for (int64_t phase = 0; phase < phases(); ++phase) {
        const Window window = taps_of(phase);
        float* to = u + phase * d_.x.c * d_.y.c + o * kLanes;
        for (int64_t c = 0; c < d_.x.c; c += kLanes, to += d_.y.c * kLanes) {
          Lanes in[Of::kFilter], out[Of::kPlanes];
          load_window<Of::kFilter>(w + o * d_.w.per_sample() + c, window, in);
          both_sides<Of::Down::kFilter, Of::Across::kFilter>(in, out);
          store_planes<Of::kPlanes>(out, step, to);
        }
      }
    });
  });
}

void WinogradTiles::filter_transposed(const float* w, float* u) const {
  const int64_t step = plane(d_.y.c, depth()), pieces = d_.x.c / kLanes;
  visit([&]<typename Of>(Of) {
    cpu::parallel_for(threads_, d_.y.c / kLanes * phases() * pieces, [&](int64_t task) {
      const int64_t panel = task / pieces / phases(), row = task % (pieces * phases()) * kLanes;
      const Window window = taps_of(row / d_.x.c);
      Lanes square[Of::kPlanes][kLanes];  // by filter
      for (int64_t i = 0; i < kLanes; ++i) {
        Lanes in[Of::kFilter], out[Of::kPlanes];
        const float* filter = w + (panel * kLanes + i) * d_.w.per_sample();
        load_window<Of::kFilter>(filter + row % d_.x.c, window, in);
        both_sides<Of::Down::kFilter, Of::Across::kFilter>(in, out);
        for (int f = 0; f < Of::kPlanes; ++f) square[f][i] = out[f];
      }
      for (int f = 0; f < Of::kPlanes; ++f) {
        float* to = u + f * step + (panel * depth() + row) * kLanes;
        for (int64_t k = 0; k < kLanes; ++k) {
          for (int64_t i = 0; i < kLanes; ++i) to[k * kLanes + i] = square[f][i][k];
        }
      }
    });
  });
}

void WinogradTiles::filter_adjoint(const float* u, bool accumulate, float* w) const {
  const int64_t step = plane(d_.y.c, depth());
  visit([&]<typename Of>(Of) {
    cpu::parallel_for(threads_, d_.y.c, [&](int64_t o) {
      for (int64_t phase = 0; phase < phases(); ++phase) {
        const Window window = taps_of(phase);
        for (int64_t c = 0; c < d_.x.c; c += kLanes) {
          Lanes in[Of::kPlanes], out[Of::kFilter];
          load_planes<Of::kPlanes>(u + o * depth() + phase * d_.x.c + c, step, in);
          both_sides<Of::DownAdjoint::kFilter, Of::AcrossAdjoint::kFilter>(in, out);
          for (int e = 0; e < Of::kFilter; ++e) {
            if (window[e] < 0) continue;
            float* to = w + o * d_.w.per_sample() + window[e] + c;
            Lanes old{};
            if (accumulate) load(to, old);
            store(old + out[e], to);
          }
        }
      }
    });
  });
}

}  // namespace gantry
