// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/spread_conv2d.h"

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

// Row `at` of t's pixel grid reaches an output row through kernel row `kernel`.
struct Term {
  int64_t at, kernel;
};

// to[j * to_step + e] += from[j * from_step + e], e < width, for all j < count, in an order in
// which neighbours, which overlap, are `apart` additions from each other: a load that follows an
// overlapping store would wait for it.
GANTRY_AVX512 void add_segments(const float* from, int64_t from_step, int64_t count, float* to,
                                int64_t to_step, int64_t width, int64_t apart) {
  for (int64_t phase = 0; phase < apart; ++phase) {
    for (int64_t e = 0; e < width; e += 16) {
      const __mmask16 mask = avx512::lanes(static_cast<int>(std::min<int64_t>(16, width - e)));
      for (int64_t j = phase; j < count; j += apart) {
        float* at = to + j * to_step + e;
        const __m512 sum = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, at),
                                         _mm512_maskz_loadu_ps(mask, from + j * from_step + e));
        _mm512_mask_storeu_ps(at, mask, sum);
      }
    }
  }
}

class SpreadConv2d final : public Kernel {
 public:
  SpreadConv2d(const Conv2dDesc& desc, Conv2dPass pass, int threads)
      : d_(desc),
        forward_(pass == Conv2dPass::kForward),
        threads_(threads),
        from_(forward_ ? desc.x : desc.y),
        to_(forward_ ? desc.y : desc.x),
        columns_(d_.w.pixels() * to_.c),
        panels_(avx512::ceil_div(columns_, kPanel)) {
    for (int64_t h = 0; h < to_.h; ++h) row_terms_.push_back(terms(h));
    const int64_t first = forward_ ? d_.pad_left - (d_.w.w - 1) : -d_.pad_left;
    margin_ = std::max<int64_t>(0, -first);
    start_ = first + margin_;
    line_ = std::max(margin_ + to_.w, start_ + (from_.w - 1) * step() + d_.w.w) * to_.c;
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(packed_size() + threads_ * per_thread()) * sizeof(float);
  }

  void run(Stream&, std::span<const TensorView> args, void* scratch) const override {
    const Epilogue epilogue{d_.bias, d_.activation};
    const float* bias = d_.bias ? args[3].as<float>() : nullptr;
    float* out = args[0].as<float>();
    const float* in = args[1].as<float>();
    const float* w = args[2].as<float>();
    auto* packed = static_cast<float*>(scratch);
    pack(w, packed);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int thread = 0; thread < threads_; ++thread) {
      float* t = packed + packed_size() + thread * per_thread();
      float* block = t + from_.pixels() * columns_;
      for (int64_t n = to_.n * thread / threads_; n < to_.n * (thread + 1) / threads_; ++n) {
        multiply(in + n * from_.per_sample(), packed, block, t);
        float* sample = out + n * to_.per_sample();
        for (int64_t h = 0; h < to_.h; ++h) {
          gather(t, h, block + kRows * kStride, sample + h * to_.w * to_.c);
        }
        epilogue.run_here(sample, to_.pixels(), to_.c, bias);
      }
    }
  }

 private:
  int64_t packed_size() const { return panels_ * kPanel * from_.c; }
  int64_t per_thread() const { return from_.pixels() * columns_ + kRows * kStride + line_; }
  int64_t step() const { return forward_ ? 1 : d_.stride_w; }

  std::vector<Term> terms(int64_t h) const {
    std::vector<Term> found;
    for (int64_t p = 0; p < d_.w.h; ++p) {
      const int64_t offset = d_.pad_top - p * d_.dilation_h;
      const int64_t at = forward_ ? h - offset : h + offset;
      if (at < 0 || at % d_.stride_h != 0 || at / d_.stride_h >= from_.h) continue;
      found.push_back({at / d_.stride_h, p});
    }
    return found;
  }

  // w as panels of [depth][kPanel]: columns (p, q, channel of the output), depth the other channel.
  // Forward, q runs backwards: then either way a pixel of t adds one run of values to each output
  // row, starting at its own column times the stride.
  void pack(const float* w, float* packed) const {
    const int64_t filter = d_.w.per_sample();
    for (int64_t k = 0; k < from_.c; ++k) {
      for (int64_t column = 0; column < panels_ * kPanel; ++column) {
        const int64_t position = column / to_.c, channel = column % to_.c;
        const int64_t mirrored = position + d_.w.w - 1 - 2 * (position % d_.w.w);
        float value = 0;
        if (column < columns_) {
          value = forward_ ? w[channel * filter + mirrored * d_.w.c + k] : w[k * filter + column];
        }
        packed[(column / kPanel * from_.c + k) * kPanel + column % kPanel] = value;
      }
    }
  }

  // One sample's t. Rows of the left factor are pixels as they lie in memory; they are copied a
  // tile at a time, which fixes their distance and completes the last tile.
  void multiply(const float* in, const float* packed, float* block, float* t) const {
    for (int64_t first = 0; first < from_.pixels(); first += kRows) {
      float* rows[kRows];
      const int count = static_cast<int>(std::min<int64_t>(kRows, from_.pixels() - first));
      for (int r = 0; r < count; ++r) rows[r] = t + (first + r) * columns_;
      for (int64_t k = 0; k < from_.c; k += kDepth) {
        const int64_t length = std::min(kDepth, from_.c - k);
        for (int r = 0; r < count; ++r) {
          std::memcpy(block + r * kStride, in + (first + r) * from_.c + k,
                      static_cast<size_t>(length) * sizeof(float));
        }
        for (int64_t panel = 0; panel < panels_; ++panel) {
          const int64_t column = panel * kPanel;
          const int width = static_cast<int>(std::min<int64_t>(kPanel, columns_ - column));
          const avx512::TileTarget target{rows, column, count, width, k > 0, nullptr};
          avx512::multiply<kStride, 1>(block, packed + (panel * from_.c + k) * kPanel, length,
                                       target);
        }
      }
    }
  }

  // One output row, summed in `line`, which has room for what falls beyond the edges.
  void gather(const float* t, int64_t h, float* line, float* out) const {
    std::fill(line, line + line_, 0.0f);
    const int64_t width = d_.w.w * to_.c;
    for (const Term& term : row_terms_[static_cast<size_t>(h)]) {
      add_segments(t + term.at * from_.w * columns_ + term.kernel * width, columns_, from_.w,
                   line + start_ * to_.c, step() * to_.c, width,
                   avx512::ceil_div(std::max<int64_t>(width, 16), step() * to_.c));
    }
    std::copy(line + margin_ * to_.c, line + (margin_ + to_.w) * to_.c, out);
  }

  Conv2dDesc d_;
  bool forward_;
  int threads_;
  Shape from_, to_;
  int64_t columns_, panels_;
  int64_t margin_ = 0;  // columns of a line before the first of the output
  int64_t start_ = 0;   // column of a line that t's first pixel reaches first
  int64_t line_ = 0;    // floats of a line
  std::vector<std::vector<Term>> row_terms_;
};

}  // namespace

std::shared_ptr<Kernel> make_spread_conv2d(const Conv2dDesc& desc, Conv2dPass pass, int threads) {
  if (!avx512::usable() || desc.groups > 1 || desc.dilation_w > 1) return nullptr;
  if (pass == Conv2dPass::kBackwardWeights) return nullptr;
  if (pass == Conv2dPass::kForward && (desc.stride_h > 1 || desc.stride_w > 1)) return nullptr;
  return std::make_shared<SpreadConv2d>(desc, pass, threads);
}

}  // namespace gantry
