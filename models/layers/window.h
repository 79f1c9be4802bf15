// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/error.h"
#include "core/fields.h"
#include "core/tensor.h"

namespace gantry {

// Bounds on what a config can ask for; far above any network, far below overflow.
inline constexpr int64_t kMaxChannels = 1 << 24;
inline constexpr int64_t kMaxKernel = 4096;
inline constexpr int64_t kMaxPadding = 1 << 16;

// "[128,7,7]": C, H, W as configs write it.
std::string config_shape(const Shape& shape);

// A window that slides over one dimension of an image. keff = dilation (kernel - 1) + 1 is its
// reach.
struct Window {
  int64_t kernel = 1, stride = 1, dilation = 1;
  int64_t before = 0, after = 0;  // padding
  bool same = false;              // padding follows: as `Padding::same`

  int64_t reach() const { return dilation * (kernel - 1) + 1; }
};

// The two windows of an image layer.
struct Windows {
  Window h, w;
};
Windows make_windows(const std::array<int64_t, 2>& kernel, const std::array<int64_t, 2>& stride,
                     const std::array<int64_t, 2>& dilation, const Padding& padding);

// Number of positions on `size` pixels: (size + before + after - reach) / stride + 1, rounded down;
// with `same` ceil(size / stride), and the padding is filled in. Throws ConfigError naming `axis`
// when the window is larger than the padded image.
int64_t slide(Window& window, int64_t size, const char* axis);

}  // namespace gantry
