// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/loss.h"

namespace gantry {

const char* loss_name(LossDesc::Kind kind) {
  switch (kind) {
    case LossDesc::Kind::kBceLogits:
      return "bce_logits";
    case LossDesc::Kind::kMse:
      return "mse";
    case LossDesc::Kind::kL1:
      return "l1";
    case LossDesc::Kind::kLinear:
      return "linear";
    case LossDesc::Kind::kHinge:
      return "hinge";
    case LossDesc::Kind::kCrossEntropy:
      return "cross_entropy";
    case LossDesc::Kind::kBceLogSumExp:
      return "bce_logsumexp";
  }
  return "?";
}

}  // namespace gantry
