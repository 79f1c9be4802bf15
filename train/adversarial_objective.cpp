// SPDX-License-Identifier: Apache-2.0
#include "train/adversarial_objective.h"

namespace gantry {

// A loss towards one side's target, and the names under which it is logged.
struct AdversarialObjective::Answer {
  const char* side;   // "real": names the calls and the random stream
  const char* loss;   // metric
  const char* rate;   // metric
  TargetDesc target;  // n and key are filled in
  double scale = 1;
  uint32_t stream = 0;
};

void AdversarialObjective::discriminator_real(const ObjectiveCall& call,
                                              const Critique& real) const {
  TargetDesc target{.base = static_cast<float>(config_.labels.real_target()),
                    .soft = static_cast<float>(config_.labels.noise_real),
                    .flipped = static_cast<float>(config_.labels.fake_target()),
                    .flip = static_cast<float>(config_.labels.flip_real)};
  record(call, real, {"real", "d.loss_real", "d.accuracy_real", target, 1, 0});
}

void AdversarialObjective::discriminator_fake(const ObjectiveCall& call,
                                              const Critique& fake) const {
  TargetDesc target{.base = static_cast<float>(config_.labels.fake_target()),
                    .soft = static_cast<float>(config_.labels.noise_fake),
                    .flipped = static_cast<float>(config_.labels.real_target()),
                    .flip = static_cast<float>(config_.labels.flip_fake)};
  record(call, fake, {"fake", "d.loss_fake", "d.accuracy_fake", target, 1, 1});
}

void AdversarialObjective::generator(const ObjectiveCall& call, const Critique& fake) const {
  const bool saturating = config_.generator_loss == ObjectiveConfig::GeneratorLoss::kSaturating;
  const double base = saturating ? config_.labels.fake : config_.labels.generator_target();
  record(call, fake,
         {"fake",
          "g.loss",
          "g.fooled",
          {.base = static_cast<float>(base)},
          saturating ? -1.0 : 1.0,
          2});
}

void AdversarialObjective::record(const ObjectiveCall& call, const Critique& critique,
                                  const Answer& answer) const {
  Recorder& r = call.recorder;
  TargetDesc target = answer.target;
  target.n = critique.y[0].shape.n;
  target.key = random_key(seed_, Purpose::kLabelNoise, 4 * call.draw + answer.stream);
  const std::string side = answer.side;
  const TensorRef t = r.temp("target_" + side, {target.n, 1, 1, 1});
  r.program.call("target_" + side, r.kernels.target(target), {t}, {r.step});

  LossDesc loss{.kind = config_.loss == ObjectiveConfig::Loss::kLeastSquares
                            ? LossDesc::Kind::kMse
                            : LossDesc::Kind::kBceLogits,
                .x = critique.y[0].shape,
                .t = t.shape,
                .scale = static_cast<float>(answer.scale * call.scale)};
  r.program.call("loss_" + side, r.kernels.loss(loss, true),
                 {call.metrics.slot(r.program, answer.loss, 1.0 / call.scale),
                  call.metrics.slot(r.program, answer.rate), critique.dy[0]},
                 {critique.y[0], t});
}

}  // namespace gantry
