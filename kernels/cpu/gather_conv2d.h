// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/kernel.h"
#include "kernels/ops/conv2d.h"

namespace gantry {

// Forward and backward_data as matrix products whose left factor is gathered block by block
// (implicit im2col): rows are output pixels, depth is (kernel position, input channel), columns are
// output channels. Many samples share a visit of the weights, so layers with few pixels per sample
// run as fast as those with many. backward_data with stride s is s x s such products, one for each
// residue of the output position, each with the kernel positions that reach it.
// Null where the processor lacks AVX-512 or the pass is grouped. The activation must be piecewise
// linear. Results do not depend on the number of threads.
std::shared_ptr<Kernel> make_gather_conv2d(const Conv2dDesc& desc, Conv2dPass pass, int threads);

// backward_weights in the same manner: rows are output channels, depth is output pixels, columns
// are (kernel position, input channel).
std::shared_ptr<Kernel> make_gather_conv2d_weights(const Conv2dDesc& desc, int threads);

}  // namespace gantry
