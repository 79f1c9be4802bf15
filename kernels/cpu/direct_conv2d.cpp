// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/direct_conv2d.h"

#include <algorithm>

#include "kernels/cpu/epilogue.h"

namespace gantry {
namespace {

class DirectConv2d final : public Kernel {
 public:
  DirectConv2d(const Conv2dDesc& desc, Conv2dPass pass) : d_(desc), pass_(pass) {}

  void run(Stream&, std::span<const TensorView> args, void*) const override {
    float* out = args[0].as<float>();
    const float* first = args[1].as<float>();
    const float* second = args[2].as<float>();
    const Epilogue epilogue{d_.bias, d_.activation};
    const float* b = d_.bias ? args.back().as<float>() : nullptr;
    switch (pass_) {
      case Conv2dPass::kForward:
        forward(out, first, second);
        epilogue.run(out, d_.y.n * d_.y.pixels(), d_.y.c, b);
        return;
      case Conv2dPass::kBackwardData:
        backward_data(out, first, second);
        epilogue.run(out, d_.x.n * d_.x.pixels(), d_.x.c, b);
        return;
      case Conv2dPass::kBackwardWeights:
        backward_weights(out, first, second);
        return;
    }
  }

 private:
  int64_t channels_in() const { return d_.x.c / d_.groups; }
  int64_t channels_out() const { return d_.y.c / d_.groups; }

  // Calls visit(x offset, w offset) for every kernel position of output pixel (i, j) of sample n
  // that lies on real data; the offsets are those of channel 0 of group 0 and filter 0.
  template <typename Visit>
  void taps(int64_t n, int64_t i, int64_t j, Visit visit) const {
    for (int64_t p = 0; p < d_.w.h; ++p) {
      const int64_t row = i * d_.stride_h - d_.pad_top + p * d_.dilation_h;
      if (row < 0 || row >= d_.x.h) continue;
      for (int64_t q = 0; q < d_.w.w; ++q) {
        const int64_t column = j * d_.stride_w - d_.pad_left + q * d_.dilation_w;
        if (column < 0 || column >= d_.x.w) continue;
        visit(((n * d_.x.h + row) * d_.x.w + column) * d_.x.c, (p * d_.w.w + q) * d_.w.c);
      }
    }
  }

  int64_t y_at(int64_t n, int64_t i, int64_t j) const {
    return ((n * d_.y.h + i) * d_.y.w + j) * d_.y.c;
  }

  void forward(float* y, const float* x, const float* w) const {
    const int64_t filter = d_.w.per_sample(), in = channels_in(), out = channels_out();
#pragma omp parallel for collapse(2) schedule(static)
    for (int64_t n = 0; n < d_.y.n; ++n) {
      for (int64_t i = 0; i < d_.y.h; ++i) {
        for (int64_t j = 0; j < d_.y.w; ++j) {
          float* to = y + y_at(n, i, j);
          std::fill(to, to + d_.y.c, 0.0f);
          taps(n, i, j, [&](int64_t x_offset, int64_t w_offset) {
            for (int64_t o = 0; o < d_.y.c; ++o) {
              const float* a = x + x_offset + o / out * in;
              const float* f = w + o * filter + w_offset;
              float sum = 0;
              for (int64_t c = 0; c < in; ++c) sum += a[c] * f[c];
              to[o] += sum;
            }
          });
        }
      }
    }
  }

  void backward_data(float* dx, const float* dy, const float* w) const {
    const int64_t filter = d_.w.per_sample(), in = channels_in(), out = channels_out();
#pragma omp parallel for schedule(static)
    for (int64_t n = 0; n < d_.x.n; ++n) {
      std::fill(dx + n * d_.x.per_sample(), dx + (n + 1) * d_.x.per_sample(), 0.0f);
      for (int64_t i = 0; i < d_.y.h; ++i) {
        for (int64_t j = 0; j < d_.y.w; ++j) {
          const float* from = dy + y_at(n, i, j);
          taps(n, i, j, [&](int64_t x_offset, int64_t w_offset) {
            for (int64_t o = 0; o < d_.y.c; ++o) {
              float* a = dx + x_offset + o / out * in;
              const float* f = w + o * filter + w_offset;
              for (int64_t c = 0; c < in; ++c) a[c] += from[o] * f[c];
            }
          });
        }
      }
    }
  }

  void backward_weights(float* dw, const float* x, const float* dy) const {
    const int64_t filter = d_.w.per_sample(), in = channels_in(), out = channels_out();
#pragma omp parallel for schedule(static)
    for (int64_t o = 0; o < d_.w.n; ++o) {
      float* to = dw + o * filter;
      if (!d_.accumulate) std::fill(to, to + filter, 0.0f);
      for (int64_t n = 0; n < d_.y.n; ++n) {
        for (int64_t i = 0; i < d_.y.h; ++i) {
          for (int64_t j = 0; j < d_.y.w; ++j) {
            const float g = dy[y_at(n, i, j) + o];
            taps(n, i, j, [&](int64_t x_offset, int64_t w_offset) {
              const float* a = x + x_offset + o / out * in;
              for (int64_t c = 0; c < in; ++c) to[w_offset + c] += g * a[c];
            });
          }
        }
      }
    }
  }

  Conv2dDesc d_;
  Conv2dPass pass_;
};

}  // namespace

std::shared_ptr<Kernel> make_direct_conv2d(const Conv2dDesc& desc, Conv2dPass pass) {
  return std::make_shared<DirectConv2d>(desc, pass);
}

}  // namespace gantry
