// SPDX-License-Identifier: Apache-2.0
#include "train/feature_matching.h"

namespace gantry {

void FeatureMatching::generator(const ObjectiveCall& call, const Critique& fake) const {
  Recorder& r = call.recorder;
  const TensorRef &made = fake.y[1], &wanted = fake.y_real[1];
  const FeatureMatchDesc desc{.kind = config_.distance == FeatureMatchingConfig::Distance::kSquared
                                          ? FeatureMatchDesc::Kind::kSquared
                                          : FeatureMatchDesc::Kind::kAbsolute,
                              .fake = made.shape,
                              .real = wanted.shape,
                              .scale = static_cast<float>(call.scale)};
  const TensorRef value = call.metrics.slot(r.program, "g.loss", 1 / call.scale);
  fake.dy.add(r, 1, [&](const TensorRef& dy) {
    call.record("loss_fake", r.kernels.feature_match(desc), {value, dy}, {made, wanted});
  });
}

}  // namespace gantry
