// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "core/kernel.h"
#include "kernels/cuda/cuda_device.h"
#include "kernels/ops/conv2d.h"

namespace gantry::cuda {

// The dense op on cuBLASLt. narrow: that of its Kernels.
std::shared_ptr<Kernel> make_dense(CudaDevice& device, const DenseDesc& desc, DensePass pass,
                                   DType narrow);

// A kernel, then y = f(y + b) over its output in place. With bias, b is the last argument and not
// the kernel's.
class WithEpilogue final : public Kernel {
 public:
  WithEpilogue(std::shared_ptr<const Kernel> kernel, bool bias, const Activation& activation,
               int64_t channels)
      : kernel_(std::move(kernel)), bias_(bias), activation_(activation), channels_(channels) {}

  size_t scratch_bytes() const override { return kernel_->scratch_bytes(); }
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override;

 private:
  std::shared_ptr<const Kernel> kernel_;
  bool bias_;
  Activation activation_;
  int64_t channels_;
};

}  // namespace gantry::cuda
