// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/kernel.h"
#include "kernels/ops/conv2d.h"

namespace gantry {

// For outputs of few channels (the image side of a network), where a product with one column per
// channel would leave most of a vector idle: first one product with a column for every
// (kernel position, channel), then each output pixel adds up the values that reach it.
//   backward_data  t[n,i,j,(p,q,c)] = sum_o dy[n,o,i,j] w[o,c,p,q]; dx is gathered from t
//   forward        t[n,h,w,(p,q,o)] = sum_c x[n,c,h,w] w[o,c,p,q];  y is gathered from t (stride 1)
// Null where the processor lacks AVX-512, the pass is grouped, dilated sideways or a
// strided forward. The activation
// must be piecewise linear. Results do not depend on the number of threads.
std::shared_ptr<Kernel> make_spread_conv2d(const Conv2dDesc& desc, Conv2dPass pass, int threads);

}  // namespace gantry
