// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "kernels/ops/conv2d.h"

namespace gantry::test {

struct Conv2dCase {
  std::string name;
  Conv2dDesc desc;
};
inline void PrintTo(const Conv2dCase& c, std::ostream* out) { *out << c.name; }

struct Conv2dSpec {
  const char* name;
  int64_t n, c, h, w, o, kh, kw;
  int64_t stride = 1, pad_before = 0, pad_after = 0, dilation = 1, groups = 1;
};

inline Conv2dDesc conv2d_desc(const Conv2dSpec& s) {
  Conv2dDesc d;
  const auto out = [&](int64_t in, int64_t kernel) {
    return (in + s.pad_before + s.pad_after - (kernel - 1) * s.dilation - 1) / s.stride + 1;
  };
  d.x = {s.n, s.c, s.h, s.w};
  d.w = {s.o, s.c / s.groups, s.kh, s.kw};
  d.y = {s.n, s.o, out(s.h, s.kh), out(s.w, s.kw)};
  d.stride_h = d.stride_w = s.stride;
  d.pad_top = d.pad_left = s.pad_before;
  d.dilation_h = d.dilation_w = s.dilation;
  d.groups = s.groups;
  return d;
}

// The geometries that every backend must get right: what the shipped networks use, in small, and
// the corners of the contract.
inline std::vector<Conv2dCase> conv2d_cases() {
  const std::vector<Conv2dSpec> specs = {
      {"dcgan_first", 3, 3, 16, 16, 64, 4, 4, 2, 1, 1},
      {"dcgan_inner", 3, 64, 8, 8, 128, 4, 4, 2, 1, 1},
      {"dcgan_deep", 2, 96, 4, 4, 160, 4, 4, 2, 1, 1},
      {"tiles_two_taps", 4, 16, 14, 14, 32, 4, 4, 2, 1, 1},
      {"tiles_three_taps", 3, 32, 11, 7, 16, 3, 3, 1, 1, 1},
      {"tiles_odd_kernel", 2, 16, 9, 12, 48, 5, 5, 2, 2, 1},
      {"tiles_missing_taps", 2, 16, 9, 9, 16, 3, 3, 2, 0, 1},
      {"tiles_rows_unread", 2, 16, 8, 10, 16, 2, 2, 1, 0, 0},
      {"dcgan_last", 5, 48, 4, 4, 1, 4, 4},
      {"latent_1x1", 6, 32, 4, 4, 100, 4, 4},
      {"mnist_first", 3, 1, 28, 28, 64, 4, 4, 2, 1, 1},
      {"mnist_odd", 3, 64, 7, 7, 32, 5, 5, 2, 1, 2},
      {"keras_same_5x5", 2, 16, 14, 14, 8, 5, 5, 1, 2, 2},
      {"to_one_channel", 2, 32, 9, 9, 1, 5, 5, 1, 2, 2},
      {"to_three_7x7", 2, 32, 8, 8, 3, 7, 7, 1, 3, 3},
      {"to_three_by_parts", 6, 16, 20, 20, 3, 3, 3, 1, 1, 1},
      {"pointwise", 4, 24, 5, 5, 40, 1, 1},
      {"pointwise_strided", 2, 24, 7, 7, 17, 1, 1, 2},
      {"one_pixel", 3, 7, 1, 1, 5, 1, 1},
      {"one_pixel_padded", 3, 7, 1, 1, 5, 3, 3, 1, 1, 1},
      {"kernel_beyond_input", 2, 5, 3, 3, 6, 5, 5, 1, 2, 2},
      {"all_ones", 1, 1, 1, 1, 1, 1, 1},
      {"asymmetric_padding", 2, 8, 6, 6, 8, 4, 4, 1, 1, 2},
      {"unread_rows", 2, 8, 8, 8, 16, 3, 3, 3},
      {"stride_over_kernel", 2, 8, 9, 9, 16, 2, 2, 3},
      {"stride_3", 2, 16, 11, 11, 16, 5, 5, 3, 2, 1},
      {"dilated", 2, 16, 9, 9, 16, 3, 3, 1, 2, 2, 2},
      {"dilated_strided", 2, 8, 12, 12, 8, 3, 3, 2, 2, 2, 2},
      {"oblong", 2, 16, 6, 11, 16, 2, 3, 1, 1, 1},
      {"grouped", 2, 16, 6, 6, 24, 3, 3, 1, 1, 1, 1, 4},
      {"grouped_strided", 2, 32, 8, 8, 32, 4, 4, 2, 1, 1, 1, 2},
      {"depthwise", 2, 16, 6, 6, 16, 3, 3, 1, 1, 1, 1, 16},
      {"depthwise_doubled", 2, 6, 6, 6, 12, 3, 3, 2, 1, 1, 1, 6},
      {"batch_one", 1, 64, 8, 8, 64, 3, 3, 1, 1, 1},
  };
  std::vector<Conv2dCase> cases;
  for (const Conv2dSpec& spec : specs) cases.push_back({spec.name, conv2d_desc(spec)});
  return cases;
}

}  // namespace gantry::test
