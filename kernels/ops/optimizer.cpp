// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/optimizer.h"

namespace gantry {

int optimizer_states(const OptimizerDesc& desc) {
  switch (desc.kind) {
    case OptimizerDesc::Kind::kSgd:
      return desc.momentum > 0 ? 1 : 0;
    case OptimizerDesc::Kind::kAdam:
      return 2;
    case OptimizerDesc::Kind::kRmsprop:
      return 1 + (desc.centered ? 1 : 0) + (desc.momentum > 0 ? 1 : 0);
  }
  return 0;
}

}  // namespace gantry
