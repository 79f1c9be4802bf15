// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "kernels/cpu/avx512_tile.h"
#include "kernels/cpu/gather_conv2d.h"

namespace gantry {
namespace {

using avx512::kDepth;
using avx512::kPanel;
using avx512::kRows;

// dw = dy^T (gathered x): rows are output channels, depth is output pixels in visits of kDepth,
// columns are up to kPanel input channels at one kernel position. Threads own columns, so every
// sum is made by one thread in the order of the pixels.
class GatherConv2dWeights final : public Kernel {
 public:
  GatherConv2dWeights(const Conv2dDesc& desc, int threads)
      : d_(desc),
        threads_(threads),
        tiles_(avx512::ceil_div(desc.w.n, kRows)),
        pixels_(desc.y.n * desc.y.pixels()) {
    for (int64_t p = 0; p < d_.w.h; ++p) {
      for (int64_t q = 0; q < d_.w.w; ++q) {
        for (int64_t c = 0; c < d_.w.c; c += kPanel) panels_.push_back({p, q, c});
      }
    }
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(threads_ * per_thread() + d_.w.c) * sizeof(float);
  }

  void run(Stream&, std::span<const TensorView> args, void* scratch) const override {
    float* dw = args[0].as<float>();
    const float* x = args[1].as<float>();
    const float* dy = args[2].as<float>();
    auto* zeros = static_cast<float*>(scratch);  // what the gather reads where there is no x
    std::fill(zeros, zeros + d_.w.c, 0.0f);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int thread = 0; thread < threads_; ++thread) {
      float* left = zeros + d_.w.c + thread * per_thread();
      for (int64_t first = 0; first < pixels_; first += kDepth) {
        const int64_t depth = std::min(kDepth, pixels_ - first);
        pack_left(dy + first * d_.y.c, depth, left);
        multiply(dw, x, zeros, left, first, depth, thread);
      }
    }
  }

 private:
  struct Panel {
    int64_t p, q, c;
  };

  int64_t left_size() const { return tiles_ * kRows * kDepth; }
  int64_t per_thread() const { return left_size() + kPanel * kDepth; }

  // dy as tiles of [depth][kRows]; rows beyond the last channel are never stored, so they may hold
  // anything finite.
  GANTRY_AVX512 void pack_left(const float* dy, int64_t depth, float* to) const {
    for (int64_t tile = 0; tile < tiles_; ++tile) {
      const float* from = dy + tile * kRows;
      const int rows = static_cast<int>(std::min<int64_t>(kRows, d_.y.c - tile * kRows));
      const __mmask16 have = avx512::lanes(rows), all = avx512::lanes(kRows);
      for (int64_t k = 0; k < depth; ++k) {
        _mm512_mask_storeu_ps(to + k * kRows, all, _mm512_maskz_loadu_ps(have, from + k * d_.y.c));
      }
      to += kRows * kDepth;
    }
  }

  void multiply(float* dw, const float* x, const float* zeros, float* left, int64_t first,
                int64_t depth, int thread) const {
    const float* pixels[kDepth];
    float* right = left + left_size();
    const auto count = static_cast<int64_t>(panels_.size());
    const Panel* before = nullptr;
    for (int64_t i = count * thread / threads_; i < count * (thread + 1) / threads_; ++i) {
      const Panel& panel = panels_[static_cast<size_t>(i)];
      if (!before || before->p != panel.p || before->q != panel.q) {
        locate(panel, x, zeros, first, depth, pixels);
      }
      before = &panel;
      const int width = static_cast<int>(std::min<int64_t>(kPanel, d_.w.c - panel.c));
      pack_right(pixels, panel.c, width, depth, right);
      multiply_panel(dw + (panel.p * d_.w.w + panel.q) * d_.w.c + panel.c, left, right, depth,
                     width, first > 0 || d_.accumulate);
    }
  }

  void multiply_panel(float* dw, const float* left, const float* right, int64_t depth, int width,
                      bool add) const {
    for (int64_t tile = 0; tile < tiles_; ++tile) {
      float* rows[kRows];
      const int count = static_cast<int>(std::min<int64_t>(kRows, d_.w.n - tile * kRows));
      for (int r = 0; r < count; ++r) rows[r] = dw + (tile * kRows + r) * d_.w.per_sample();
      const avx512::TileTarget target{rows, 0, count, width, add, nullptr};
      avx512::multiply<1, kRows>(left + tile * kRows * kDepth, right, depth, target);
    }
  }

  // Where the gather finds each pixel of this visit for the panel's kernel position.
  void locate(const Panel& panel, const float* x, const float* zeros, int64_t first, int64_t depth,
              const float** pixels) const {
    int64_t v = first % d_.y.w, u = first / d_.y.w % d_.y.h, n = first / d_.y.pixels();
    for (int64_t k = 0; k < depth; ++k) {
      const int64_t row = u * d_.stride_h - d_.pad_top + panel.p * d_.dilation_h;
      const int64_t column = v * d_.stride_w - d_.pad_left + panel.q * d_.dilation_w;
      const bool inside = row >= 0 && row < d_.x.h && column >= 0 && column < d_.x.w;
      pixels[k] = inside ? x + ((n * d_.x.h + row) * d_.x.w + column) * d_.x.c : zeros;
      if (++v == d_.y.w) {
        v = 0;
        if (++u == d_.y.h) u = 0, ++n;
      }
    }
  }

  GANTRY_AVX512 void pack_right(const float* const* pixels, int64_t channel, int width,
                                int64_t depth, float* to) const {
    const __mmask16 low = avx512::lanes(width), high = avx512::lanes(width - 16);
    for (int64_t k = 0; k < depth; ++k) {
      const float* from = pixels[k] + channel;
      _mm512_storeu_ps(to + k * kPanel, _mm512_maskz_loadu_ps(low, from));
      _mm512_storeu_ps(to + k * kPanel + 16, _mm512_maskz_loadu_ps(high, from + 16));
    }
  }

  Conv2dDesc d_;
  int threads_;
  int64_t tiles_, pixels_;
  std::vector<Panel> panels_;
};

}  // namespace

std::shared_ptr<Kernel> make_gather_conv2d_weights(const Conv2dDesc& desc, int threads) {
  if (!avx512::usable() || desc.groups > 1) return nullptr;
  return std::make_shared<GatherConv2dWeights>(desc, threads);
}

}  // namespace gantry
