// SPDX-License-Identifier: Apache-2.0
#include "kernels/check.h"

namespace gantry {
namespace {

// `out` positions of a window over `in` elements with `before` elements of padding in front.
void check_window(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                  int64_t before) {
  GANTRY_CHECK(stride >= 1 && dilation >= 1 && before >= 0, "stride ", stride, ", dilation ",
               dilation, ", padding ", before);
  const int64_t read = (out - 1) * stride + (kernel - 1) * dilation + 1 - before;
  GANTRY_CHECK(in - read < stride, in, " elements, of which ", in - read,
               " are left unread with stride ", stride);
}

}  // namespace

void check_shape(const Shape& s) {
  GANTRY_CHECK(s.n > 0 && s.c > 0 && s.h > 0 && s.w > 0, to_string(s));
}

void check(const Activation& activation) {
  const bool scaled =
      activation.kind == ActivationKind::kLeakyReLU || activation.kind == ActivationKind::kELU;
  GANTRY_CHECK(!scaled || activation.alpha > 0, activation_name(activation.kind), " with alpha ",
               activation.alpha);
}

void check(const Conv2dDesc& d, Conv2dPass pass) {
  check_shape(d.x);
  check_shape(d.w);
  check_shape(d.y);
  check(d.activation);
  GANTRY_CHECK(d.x.n == d.y.n, to_string(d.x), " to ", to_string(d.y));
  GANTRY_CHECK(d.groups >= 1 && d.w.n % d.groups == 0 && d.w.c * d.groups == d.x.c, "filters ",
               to_string(d.w), " in ", d.groups, " groups over ", to_string(d.x));
  GANTRY_CHECK(d.w.n == d.y.c, "filters ", to_string(d.w), " give ", to_string(d.y));
  check_window(d.x.h, d.y.h, d.w.h, d.stride_h, d.dilation_h, d.pad_top);
  check_window(d.x.w, d.y.w, d.w.w, d.stride_w, d.dilation_w, d.pad_left);
  GANTRY_CHECK(!d.accumulate || pass == Conv2dPass::kBackwardWeights,
               "only weight gradients accumulate");
}

void check(const DenseDesc& d, DensePass pass) {
  GANTRY_CHECK(d.n > 0 && d.in > 0 && d.out > 0, d.n, " x ", d.in, " to ", d.out);
  check(d.activation);
  GANTRY_CHECK(!d.accumulate || pass == DensePass::kBackwardWeights,
               "only weight gradients accumulate");
}

}  // namespace gantry
