// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/kernel.h"
#include "kernels/cuda/cuda_device.h"
#include "kernels/ops/conv2d.h"

namespace gantry::cuda {

// The two computations that are left to libraries, bare: everything around them (bias, activation,
// accumulation, padding that a library does not know) is this backend's own. tests/cuda_emulation
// supplies both from the CPU.

// A convolution through cuDNN, without bias, activation and accumulation; rows and columns of x
// beyond the last window are allowed. The fastest engine by cuDNN's heuristics among those that
// the device's ComputeOptions allow. Null where cuDNN has none (such as for unequal padding).
// {y | x, w}, {dx | dy, w} or {dw | x, dy}, read as `in` and written as `out`.
struct LibraryTypes {
  DType in = DType::kF32, out = DType::kF32;
};
std::shared_ptr<Kernel> make_cudnn_conv2d(CudaDevice& device, const Conv2dDesc& desc,
                                          Conv2dPass pass, const LibraryTypes& types);

// A matrix product through cuBLASLt, row by row in memory:
//   c (m x n) = op(a) op(b) [+ c] [+ bias, one per column of c]
// {c | a, b, [bias]}; with accumulate c is an in-out.
struct MatrixProduct {
  int64_t m = 0, n = 0, k = 0;
  bool transpose_a = false;  // a lies as k x m
  bool transpose_b = false;  // b lies as n x k
  bool accumulate = false;
  bool bias = false;     // in f32, where all is
  LibraryTypes types{};  // of a and b, and of c
};
std::shared_ptr<Kernel> make_cublas_product(CudaDevice& device, const MatrixProduct& product);

}  // namespace gantry::cuda
