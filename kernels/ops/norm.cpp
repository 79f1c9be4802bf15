// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/norm.h"

namespace gantry {

Shape norm_stats_shape(const NormDesc& desc) {
  switch (desc.kind) {
    case NormKind::kBatch:
      return {desc.batch_groups, desc.x.c, 1, 1};
    case NormKind::kLayer:
      return {desc.x.n, 1, 1, 1};
    case NormKind::kInstance:
      return {desc.x.n, desc.x.c, 1, 1};
    case NormKind::kGroup:
      return {desc.x.n, desc.channel_groups, 1, 1};
  }
  return {};
}

Shape norm_means_shape(const NormDesc& desc, NormPass pass) {
  const int64_t numbers = pass == NormPass::kDoubleBackward ? 5 : 2;
  return {desc.batch_groups, numbers * desc.x.c, 1, 1};
}

}  // namespace gantry
