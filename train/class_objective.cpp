// SPDX-License-Identifier: Apache-2.0
#include "train/class_objective.h"

#include "train/system.h"

namespace gantry {

ClassObjective::ClassObjective(std::unique_ptr<Objective> score, const ClassLossConfig& config,
                               const System& system)
    : score_(std::move(score)), config_(config) {
  const std::vector<NamedShape> outputs = system.player("d").network.outputs();
  const Shape wanted{1, system.sample.classes, 1, 1};
  GANTRY_CHECK(outputs.size() == 2, "D has ", outputs.size(), " outputs");
  if (outputs[1].shape == wanted) return;
  throw ConfigError(concat("/discriminator/outputs/1: the layer \"", outputs[1].name, "\" makes ",
                           to_string(outputs[1].shape),
                           " (NxCxHxW), but the classes of the data "
                           "need ",
                           to_string(wanted), ", a number for each"));
}

void ClassObjective::discriminator_real(const ObjectiveCall& call, const Critique& real) const {
  score_->discriminator_real(call, real);
  record(call, real, "real", "d.class", config_.d_real);
}

void ClassObjective::discriminator_fake(const ObjectiveCall& call, const Critique& fake) const {
  score_->discriminator_fake(call, fake);
  record(call, fake, "fake", "d.class", config_.d_fake);
}

void ClassObjective::generator(const ObjectiveCall& call, const Critique& fake) const {
  score_->generator(call, fake);
  record(call, fake, "fake", "g.class", config_.g);
}

void ClassObjective::record(const ObjectiveCall& call, const Critique& critique,
                            const std::string& side, const std::string& metric,
                            double weight) const {
  if (weight == 0) return;
  Recorder& r = call.recorder;
  const LossDesc loss{.kind = LossDesc::Kind::kCrossEntropy,
                      .x = critique.y[1].shape,
                      .t = critique.label.shape,
                      .scale = static_cast<float>(weight * call.scale)};
  const std::string of_side = metric[0] == 'd' ? "_" + side : "";
  const TensorRef value =
      call.metrics.slot(r.program, metric + "_loss" + of_side, 1 / (weight * call.scale));
  const TensorRef rate = call.metrics.slot(r.program, metric + "_accuracy" + of_side);
  critique.dy.add(r, 1, [&](const TensorRef& dy) {
    call.record("loss_class_" + side, r.kernels.loss(loss, true), {value, rate, dy},
                {critique.y[1], critique.label});
  });
}

}  // namespace gantry
