// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/gather_conv2d.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/cpu/avx512_tile.h"
#include "kernels/cpu/epilogue.h"

namespace gantry {
namespace {

using avx512::kDepth;
using avx512::kPanel;
using avx512::kRows;
using avx512::kStride;

constexpr int64_t kBlock = 16 * kRows;  // rows gathered at once: 209 KB, in L2

// One kernel position: where it reads relative to u * step, and which filter column it uses.
struct Tap {
  int64_t row, column;
  int64_t filter;  // (p * kw + q) * C
};

// One product: output pixels (n, u, v), u < rows, v < columns, written to
// (u * out_step_h + out_row, ...), read from (u * in_step + tap.row, ...).
struct Product {
  int64_t rows, columns, out_row, out_column;
  std::vector<Tap> taps;
  int64_t packed = 0;  // where its right factor starts in the packed weights, floats
};

class GatherConv2d final : public Kernel {
 public:
  GatherConv2d(const Conv2dDesc& desc, Conv2dPass pass, int threads)
      : d_(desc),
        forward_(pass == Conv2dPass::kForward),
        threads_(threads),
        from_(forward_ ? desc.x : desc.y),
        to_(forward_ ? desc.y : desc.x),
        panels_(avx512::ceil_div(to_.c, kPanel)) {
    if (forward_) {
      add_forward();
    } else {
      add_backward();
    }
    for (Product& product : products_) {
      product.packed = packed_;
      packed_ += panels_ * kPanel * depth(product);
    }
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(packed_ + threads_ * kBlock * kStride) * sizeof(float);
  }

  void run(Stream&, std::span<const TensorView> args, void* scratch) const override {
    const Epilogue epilogue{d_.bias, d_.activation};
    avx512::Finish finish{d_.bias ? args[3].as<float>() : nullptr, epilogue.slope()};
    float* out = args[0].as<float>();
    const float* in = args[1].as<float>();
    const float* w = args[2].as<float>();
    auto* packed = static_cast<float*>(scratch);
#pragma omp parallel num_threads(threads_)
    {
      const int first = omp_get_thread_num(), step = omp_get_num_threads();
      for (int part = first; part < threads_; part += step) {
        for (const Product& product : products_) pack(product, w, packed, part);
      }
#pragma omp barrier
      for (int part = first; part < threads_; part += step) {
        float* block = packed + packed_ + part * kBlock * kStride;
        for (const Product& product : products_) {
          multiply(product, in, packed + product.packed, block, out, finish, part);
        }
      }
    }
  }

 private:
  int64_t depth(const Product& product) const {
    return static_cast<int64_t>(product.taps.size()) * from_.c;
  }

  void add_forward() {
    Product product{d_.y.h, d_.y.w, 0, 0, {}};
    for (int64_t p = 0; p < d_.w.h; ++p) {
      for (int64_t q = 0; q < d_.w.w; ++q) {
        product.taps.push_back({p * d_.dilation_h - d_.pad_top, q * d_.dilation_w - d_.pad_left,
                                (p * d_.w.w + q) * d_.w.c});
      }
    }
    products_.push_back(std::move(product));
  }

  void add_backward() {
    for (int64_t a = 0; a < std::min(d_.stride_h, d_.x.h); ++a) {
      for (int64_t b = 0; b < std::min(d_.stride_w, d_.x.w); ++b) {
        Product product{avx512::ceil_div(d_.x.h - a, d_.stride_h),
                        avx512::ceil_div(d_.x.w - b, d_.stride_w),
                        a,
                        b,
                        {}};
        for (int64_t p = 0; p < d_.w.h; ++p) {
          const int64_t row = a + d_.pad_top - p * d_.dilation_h;
          if (row % d_.stride_h != 0) continue;
          for (int64_t q = 0; q < d_.w.w; ++q) {
            const int64_t column = b + d_.pad_left - q * d_.dilation_w;
            if (column % d_.stride_w != 0) continue;
            product.taps.push_back(
                {row / d_.stride_h, column / d_.stride_w, (p * d_.w.w + q) * d_.w.c});
          }
        }
        products_.push_back(std::move(product));
      }
    }
  }

  // This thread's share of the right factor, as panels of [depth][kPanel], zero beyond the last
  // column.
  void pack(const Product& product, const float* w, float* packed, int thread) const {
    const int64_t rows = depth(product),
                  tasks = panels_ * static_cast<int64_t>(product.taps.size());
    for (int64_t task = tasks * thread / threads_; task < tasks * (thread + 1) / threads_; ++task) {
      const int64_t panel = task / static_cast<int64_t>(product.taps.size());
      const int64_t tap = task % static_cast<int64_t>(product.taps.size());
      const int64_t first = panel * kPanel, width = std::min<int64_t>(kPanel, to_.c - first);
      float* to = packed + product.packed + (panel * rows + tap * from_.c) * kPanel;
      const float* from = w + product.taps[static_cast<size_t>(tap)].filter;
      if (forward_) {
        pack_transposed(from + first * d_.w.per_sample(), width, to);
      } else {
        pack_rows(from + first, width, to);
      }
    }
  }

  void pack_rows(const float* from, int64_t width, float* to) const {
    const int64_t filter = d_.w.per_sample();
    for (int64_t k = 0; k < from_.c; ++k) {
      std::memcpy(to + k * kPanel, from + k * filter, static_cast<size_t>(width) * sizeof(float));
      std::fill(to + k * kPanel + width, to + (k + 1) * kPanel, 0.0f);
    }
  }

  GANTRY_AVX512 void pack_transposed(const float* from, int64_t width, float* to) const {
    const int64_t filter = d_.w.per_sample();
    const int64_t whole = width == kPanel ? from_.c / 16 * 16 : 0;
    for (int64_t k = 0; k < whole; k += 16) {
      avx512::transpose16(from + k, filter, to + k * kPanel, kPanel);
      avx512::transpose16(from + 16 * filter + k, filter, to + k * kPanel + 16, kPanel);
    }
    for (int64_t k = whole; k < from_.c; ++k) {
      for (int64_t o = 0; o < kPanel; ++o) {
        to[k * kPanel + o] = o < width ? from[o * filter + k] : 0.0f;
      }
    }
  }

  // Output pixels of one product in the order (n, u, v), split over threads by whole tiles.
  void multiply(const Product& product, const float* in, const float* b, float* block, float* out,
                const avx512::Finish& finish, int thread) const {
    const int64_t pixels = to_.n * product.rows * product.columns;
    const int64_t tiles = avx512::ceil_div(pixels, kRows);
    const int64_t last = std::min(pixels, tiles * (thread + 1) / threads_ * kRows);
    for (int64_t row = tiles * thread / threads_ * kRows; row < last; row += kBlock) {
      multiply_block(product, in, b, block, out, finish, row, std::min(kBlock, last - row));
    }
  }

  struct Pixel {
    const float* sample;
    int64_t row, column;  // in the input, before the tap's offset
  };

  void multiply_block(const Product& product, const float* in, const float* b, float* block,
                      float* out, const avx512::Finish& finish, int64_t first,
                      int64_t count) const {
    Pixel pixels[kBlock];
    float* targets[kBlock];
    locate(product, in, out, first, count, pixels, targets);
    const int64_t total = depth(product);
    // Without kernel positions there is nothing to sum, but rows still have to be written.
    for (int64_t k = 0; k == 0 || k < total; k += kDepth) {
      const int64_t length = std::min(kDepth, total - k);
      for (int64_t r = 0; r < count; ++r)
        gather(product, pixels[r], k, length, block + r * kStride);
      const bool end = k + length >= total;
      for (int64_t panel = 0; panel < panels_; ++panel) {
        const int64_t column = panel * kPanel;
        avx512::Finish panel_finish{finish.bias ? finish.bias + column : nullptr, finish.slope};
        avx512::TileTarget target{nullptr, column, 0, 0, k > 0, end ? &panel_finish : nullptr};
        target.width = static_cast<int>(std::min<int64_t>(kPanel, to_.c - column));
        for (int64_t r = 0; r < count; r += kRows) {
          target.rows = targets + r;
          target.count = static_cast<int>(std::min<int64_t>(kRows, count - r));
          avx512::multiply<kStride, 1>(block + r * kStride, b + (panel * total + k) * kPanel,
                                       length, target);
        }
      }
    }
  }

  void locate(const Product& product, const float* in, float* out, int64_t first, int64_t count,
              Pixel* pixels, float** targets) const {
    const int64_t step_h = forward_ ? d_.stride_h : 1, step_w = forward_ ? d_.stride_w : 1;
    const int64_t out_h = forward_ ? 1 : d_.stride_h, out_w = forward_ ? 1 : d_.stride_w;
    for (int64_t r = 0; r < count; ++r) {
      const int64_t v = (first + r) % product.columns;
      const int64_t u = (first + r) / product.columns % product.rows;
      const int64_t n = (first + r) / product.columns / product.rows;
      pixels[r] = {in + n * from_.per_sample(), u * step_h, v * step_w};
      const int64_t row = u * out_h + product.out_row, column = v * out_w + product.out_column;
      targets[r] = out + ((n * to_.h + row) * to_.w + column) * to_.c;
    }
  }

  // Depth k .. k + length of one row of the left factor; padding reads as zero.
  void gather(const Product& product, const Pixel& pixel, int64_t k, int64_t length,
              float* to) const {
    const int64_t end = k + length;
    while (k < end) {
      const int64_t tap = k / from_.c, channel = k % from_.c;
      const int64_t run = std::min(from_.c - channel, end - k);
      const int64_t row = pixel.row + product.taps[static_cast<size_t>(tap)].row;
      const int64_t column = pixel.column + product.taps[static_cast<size_t>(tap)].column;
      if (row < 0 || row >= from_.h || column < 0 || column >= from_.w) {
        std::fill(to, to + run, 0.0f);
      } else {
        std::memcpy(to, pixel.sample + (row * from_.w + column) * from_.c + channel,
                    static_cast<size_t>(run) * sizeof(float));
      }
      to += run;
      k += run;
    }
  }

  Conv2dDesc d_;
  bool forward_;
  int threads_;
  Shape from_, to_;
  int64_t panels_;
  std::vector<Product> products_;
  int64_t packed_ = 0;
};

}  // namespace

std::shared_ptr<Kernel> make_gather_conv2d(const Conv2dDesc& desc, Conv2dPass pass, int threads) {
  if (!avx512::usable() || desc.groups > 1 || pass == Conv2dPass::kBackwardWeights) return nullptr;
  return std::make_shared<GatherConv2d>(desc, pass, threads);
}

}  // namespace gantry
