// SPDX-License-Identifier: Apache-2.0
#include "train/semi_supervised.h"

#include "train/system.h"

namespace gantry {

SemiSupervised::SemiSupervised(const System& system)
    : FeatureMatching(system.config.objective, system.seed()),
      config_(system.config.objective.semi_supervised) {
  if (system.sample.classes == 0) {
    throw ConfigError(
        "/data: has no labels, some of which the objective \"semi_supervised\" learns from; use "
        "labelled data (data.labels)");
  }
  const NamedShape output = system.player("d").network.outputs()[0];
  const Shape wanted{1, system.sample.classes, 1, 1};
  if (output.shape == wanted) return;
  throw ConfigError(concat("/discriminator/outputs/0: the layer \"", output.name, "\" makes ",
                           to_string(output.shape), " (NxCxHxW), but the classes of /data need ",
                           to_string(wanted), ", a number for each"));
}

void SemiSupervised::discriminator_real(const ObjectiveCall& call, const Critique& real) const {
  tell(call, real, "real", 1);
}

void SemiSupervised::discriminator_fake(const ObjectiveCall& call, const Critique& fake) const {
  tell(call, fake, "fake", 0);
}

void SemiSupervised::tell(const ObjectiveCall& call, const Critique& critique,
                          const std::string& side, float target) const {
  Recorder& r = call.recorder;
  const TensorRef t = r.temp("target_" + side, {critique.y[0].shape.n, 1, 1, 1});
  call.record("target_" + side, r.kernels.target({.n = t.shape.n, .base = target}), {t}, {r.step});
  const LossDesc loss{.kind = LossDesc::Kind::kBceLogSumExp,
                      .x = critique.y[0].shape,
                      .t = t.shape,
                      .scale = static_cast<float>(config_.unsupervised * call.scale)};
  const TensorRef value =
      call.metrics.slot(r.program, "d.loss_" + side, 1 / (config_.unsupervised * call.scale));
  const TensorRef rate = call.metrics.slot(r.program, "d.accuracy_" + side);
  critique.dy.add(r, 0, [&](const TensorRef& dy) {
    call.record("loss_" + side, r.kernels.loss(loss, true), {value, rate, dy}, {critique.y[0], t});
  });
}

void SemiSupervised::discriminator_labelled(const ObjectiveCall& call,
                                            const Critique& labelled) const {
  Recorder& r = call.recorder;
  const LossDesc loss{.kind = LossDesc::Kind::kCrossEntropy,
                      .x = labelled.y[0].shape,
                      .t = labelled.label.shape,
                      .scale = static_cast<float>(config_.supervised * call.scale)};
  const TensorRef value =
      call.metrics.slot(r.program, "d.class_loss", 1 / (config_.supervised * call.scale));
  const TensorRef rate = call.metrics.slot(r.program, "d.class_accuracy");
  labelled.dy.add(r, 0, [&](const TensorRef& dy) {
    call.record("loss_labelled", r.kernels.loss(loss, true), {value, rate, dy},
                {labelled.y[0], labelled.label});
  });
}

}  // namespace gantry
