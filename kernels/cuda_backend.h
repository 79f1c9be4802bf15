// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.h"

namespace gantry {

// Written by kernels/cuda or, where CUDA is not built in, by kernels/cuda_stub.
bool cuda_built();
Backend open_cuda_backend();

}  // namespace gantry
