// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/kernel.h"
#include "kernels/ops/conv2d.h"

namespace gantry {

// Whether fewer products outweigh the passes over memory that tiles cost (winograd_tiles.h).
bool winograd_pays(const Conv2dDesc& desc);

// A pass by tiles; null where they do not fit the geometry or the processor lacks AVX2. Blocks of
// whole samples are transformed, multiplied and transformed back while they are in the cache. The
// activation must be piecewise linear. Results do not depend on the number of threads.
std::shared_ptr<Kernel> make_winograd_conv2d(const Conv2dDesc& desc, Conv2dPass pass, int threads);

}  // namespace gantry
