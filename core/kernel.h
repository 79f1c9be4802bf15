// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "core/device.h"

namespace gantry {

// One computation with everything slow done: descriptors, algorithm choice, primitives.
// Running it allocates nothing, decides nothing and does not wait. A kernel holds no state that
// a run changes, so one kernel may stand in a Program many times.
//
// The arguments are positional: outputs, then in-outs, then inputs, in the order that the op's
// header in kernels/ops/ lists. `scratch` has scratch_bytes() bytes, contents undefined.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(Stream& stream, std::span<const TensorView> args, void* scratch) const = 0;
  virtual size_t scratch_bytes() const { return 0; }

  // Floating-point operations of one run (2 per multiply-add), for plan, bench and profile.
  double flops() const { return flops_; }
  void set_flops(double flops) { flops_ = flops; }
  // What it computes, as the op and its pass: "conv2d.forward". Empty outside of Kernels.
  const std::string& op() const { return op_; }
  void set_op(std::string op) { op_ = std::move(op); }

 private:
  double flops_ = 0;
  std::string op_;
};

using KernelPtr = std::shared_ptr<const Kernel>;

}  // namespace gantry
