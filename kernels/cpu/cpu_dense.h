// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/kernel.h"
#include "kernels/cpu/cpu_device.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/ops/conv2d.h"

namespace gantry {

// A pass of a dense layer: a oneDNN matrix product, or with one output a dot product a sample. The
// epilogue, which any pass may have here, takes the output as rows of `channels`; it replaces the
// descriptor's bias and activation.
std::shared_ptr<Kernel> make_cpu_dense(const CpuDevice& device, const DenseDesc& desc,
                                       DensePass pass, const Epilogue& epilogue, int64_t channels);

}  // namespace gantry
