// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/norm_passes.h"

namespace gantry {

CpuKernels::Made CpuKernels::make_norm(const NormDesc& desc, NormPass pass) {
  switch (pass) {
    case NormPass::kForward:
      return cpu::norm_forward(desc, threads());
    case NormPass::kInference:
      return cpu::norm_inference(desc, threads());
    case NormPass::kBackward:
      return cpu::norm_backward(desc, true, threads());
    case NormPass::kBackwardData:
      return cpu::norm_backward(desc, false, threads());
    case NormPass::kDoubleBackward:
      return cpu::norm_double_backward(desc, threads());
  }
  return nullptr;
}

}  // namespace gantry
