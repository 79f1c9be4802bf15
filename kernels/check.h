// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.h"

namespace gantry {

// What a descriptor must fulfil before any backend sees it (std::logic_error). Layers have refused
// user input that leads here.
void check(const Conv2dDesc& desc, Conv2dPass pass);
void check(const DenseDesc& desc, DensePass pass);
void check_shape(const Shape& shape);  // every extent is positive
void check(const Activation& activation);

}  // namespace gantry
