// SPDX-License-Identifier: Apache-2.0
#include "train/feature_matching.h"

#include "models/shared_batch.h"

namespace gantry {
namespace {

// The mean features of all ranks' samples, 1 x features.
TensorRef record_mean(const ObjectiveCall& call, const std::string& name, const TensorRef& x) {
  Recorder& r = call.recorder;
  const TensorRef rows = x.reshaped({x.shape.n, x.shape.per_sample(), 1, 1});
  const TensorRef mean = r.temp(name, rows.shape.with_n(1));
  const SumDesc divide{.y = mean.shape, .scale = {1 / static_cast<float>(x.shape.n)}};
  call.record("sum_features", r.kernels.bias_grad({rows.shape}), {mean}, {rows});
  call.record("mean_features", r.kernels.sum(divide), {mean}, {mean});
  average_over_ranks(r, mean, name);
  return mean;
}

}  // namespace

void FeatureMatching::generator(const ObjectiveCall& call, const Critique& fake) const {
  if (call.recorder.sharing) return match_means(call, fake);
  Recorder& r = call.recorder;
  const TensorRef &made = fake.y[1], &wanted = fake.y_real[1];
  const FeatureMatchDesc desc{.kind = kind(),
                              .fake = made.shape,
                              .real = wanted.shape,
                              .scale = static_cast<float>(call.scale)};
  const TensorRef value = call.metrics.slot(r.program, "g.loss", 1 / call.scale);
  fake.dy.add(r, 1, [&](const TensorRef& dy) {
    call.record("loss_fake", r.kernels.feature_match(desc), {value, dy}, {made, wanted});
  });
}

// The loss of the batch that ranks share. Only means go between them; the gradient of every sample
// is that of the mean, divided by the samples.
void FeatureMatching::match_means(const ObjectiveCall& call, const Critique& fake) const {
  Recorder& r = call.recorder;
  const TensorRef made = record_mean(call, "features_fake", fake.y[1]);
  const TensorRef wanted = record_mean(call, "features_real", fake.y_real[1]);
  const double scale = call.scale / static_cast<double>(fake.y[1].shape.n);
  const FeatureMatchDesc desc{
      .kind = kind(), .fake = made.shape, .real = wanted.shape, .scale = static_cast<float>(scale)};
  const TensorRef value = call.metrics.slot(r.program, "g.loss", 1 / scale);
  const TensorRef each = r.temp("d_features", made.shape);
  call.record("loss_fake", r.kernels.feature_match(desc), {value, each}, {made, wanted});
  fake.dy.add(r, 1, [&](const TensorRef& dy) {
    const TensorRef rows = dy.reshaped({dy.shape.n, dy.shape.per_sample(), 1, 1});
    call.record("clear", r.kernels.sum({.y = rows.shape}), {rows}, {});
    call.record("spread", r.kernels.bias_add({rows.shape}), {rows}, {rows, each});
  });
}

FeatureMatchDesc::Kind FeatureMatching::kind() const {
  return config_.distance == FeatureMatchingConfig::Distance::kSquared
             ? FeatureMatchDesc::Kind::kSquared
             : FeatureMatchDesc::Kind::kAbsolute;
}

}  // namespace gantry
