// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <utility>

#include "core/kernel.h"

namespace gantry {

// A kernel followed by a pointwise one over its output, in place: activations that the kernel
// cannot apply itself.
class WithActivation final : public Kernel {
 public:
  WithActivation(std::shared_ptr<const Kernel> kernel, KernelPtr activation)
      : kernel_(std::move(kernel)), activation_(std::move(activation)) {}

  size_t scratch_bytes() const override { return kernel_->scratch_bytes(); }

  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    kernel_->run(stream, args, scratch);
    const std::array<TensorView, 2> in_place = {args[0], args[0]};
    activation_->run(stream, in_place, nullptr);
  }

 private:
  KernelPtr kernel_;
  KernelPtr activation_;
};

}  // namespace gantry
