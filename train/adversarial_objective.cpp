// SPDX-License-Identifier: Apache-2.0
#include "train/adversarial_objective.h"

#include "models/shared_batch.h"

namespace gantry {

using Loss = ObjectiveConfig::Loss;

// A loss towards one side's target, and the names under which it is logged.
struct AdversarialObjective::Answer {
  const char* side;  // "real": names the calls and the random stream
  const char* loss;  // metric
  const char* rate;  // metric; null: has no meaning
  LossDesc::Kind kind;
  TargetDesc target;  // n and key are filled in
  double weight = 1;
  uint32_t stream = 0;
  bool of_generator() const { return stream == 2; }
};

LossDesc::Kind AdversarialObjective::discriminator_loss() const {
  switch (config_.loss) {
    case Loss::kBce:
      return LossDesc::Kind::kBceLogits;
    case Loss::kLeastSquares:
      return LossDesc::Kind::kMse;
    case Loss::kWasserstein:
      return LossDesc::Kind::kLinear;
    case Loss::kHinge:
      return LossDesc::Kind::kHinge;
  }
  return LossDesc::Kind::kBceLogits;
}

void AdversarialObjective::discriminator_real(const ObjectiveCall& call,
                                              const Critique& real) const {
  TargetDesc target{.base = static_cast<float>(config_.labels.real_target()),
                    .soft = static_cast<float>(config_.labels.noise_real),
                    .flipped = static_cast<float>(config_.labels.fake_target()),
                    .flip = static_cast<float>(config_.labels.flip_real)};
  if (config_.loss == Loss::kWasserstein) target = {.base = -1};
  if (config_.loss == Loss::kHinge) target = {.base = 1};
  const char* rate = config_.loss == Loss::kWasserstein ? nullptr : "d.accuracy_real";
  record(call, real,
         {"real", "d.loss_real", rate, discriminator_loss(), target, config_.loss_weight, 0});
}

void AdversarialObjective::discriminator_fake(const ObjectiveCall& call,
                                              const Critique& fake) const {
  TargetDesc target{.base = static_cast<float>(config_.labels.fake_target()),
                    .soft = static_cast<float>(config_.labels.noise_fake),
                    .flipped = static_cast<float>(config_.labels.real_target()),
                    .flip = static_cast<float>(config_.labels.flip_fake)};
  if (config_.loss == Loss::kWasserstein) target = {.base = 1};
  if (config_.loss == Loss::kHinge) target = {.base = -1};
  const char* rate = config_.loss == Loss::kWasserstein ? nullptr : "d.accuracy_fake";
  record(call, fake,
         {"fake", "d.loss_fake", rate, discriminator_loss(), target, config_.loss_weight, 1});
}

void AdversarialObjective::generator(const ObjectiveCall& call, const Critique& fake) const {
  const bool saturating = config_.generator_loss == ObjectiveConfig::GeneratorLoss::kSaturating;
  const double base = saturating ? config_.labels.fake : config_.labels.generator_target();
  Answer answer{"fake",
                "g.loss",
                "g.fooled",
                discriminator_loss(),
                {.base = static_cast<float>(base)},
                saturating ? -config_.loss_weight : config_.loss_weight,
                2};
  if (!config_.has_labels()) {
    answer.kind = LossDesc::Kind::kLinear;
    answer.target.base = -1;
    answer.weight = config_.loss_weight;
  }
  if (config_.loss == Loss::kWasserstein) answer.rate = nullptr;
  record(call, fake, answer);
}

TensorRef AdversarialObjective::record_target(const ObjectiveCall& call, const Answer& answer,
                                              int64_t n) const {
  Recorder& r = call.recorder;
  TargetDesc target = answer.target;
  target.n = n;
  target.first_sample = call.recorder.first_sample;
  target.key = random_key(seed_, Purpose::kLabelNoise, 4 * call.draw + answer.stream);
  const std::string name = concat("target_", answer.side);
  const TensorRef t = r.temp(name, {n, 1, 1, 1});
  call.record(name, r.kernels.target(target), {t}, {r.step});
  return t;
}

// Those of the samples that G learns from: the highest of the batch that ranks share.
TensorRef AdversarialObjective::record_weights(const ObjectiveCall& call,
                                               const TensorRef& own) const {
  Recorder& r = call.recorder;
  const TensorRef scores = of_all_ranks(r, "scores", own);
  const TopKConfig& config = config_.top_k;
  const TopKDesc desc{
      .y = scores.shape, .gamma = config.gamma, .nu = config.nu, .every = config.every};
  const TensorRef w = r.temp("top_k", {scores.shape.n, 1, 1, 1});
  call.record("top_k", r.kernels.top_k(desc), {w, call.metrics.slot(r.program, "g.top_k")},
              {scores, r.step});
  return own_rows(r, w);
}

void AdversarialObjective::record(const ObjectiveCall& call, const Critique& critique,
                                  const Answer& answer) const {
  Recorder& r = call.recorder;
  const TensorRef t = record_target(call, answer, critique.y[0].shape.n);
  TensorRefs inputs = {critique.y[0], t};
  if (answer.of_generator() && config_.top_k.nu < 1) {
    inputs.push_back(record_weights(call, critique.y[0]));
  }
  const LossDesc loss{.kind = answer.kind,
                      .x = critique.y[0].shape,
                      .t = t.shape,
                      .scale = static_cast<float>(answer.weight * call.scale),
                      .weighted = inputs.size() > 2};
  const TensorRef value = call.metrics.slot(r.program, answer.loss, 1.0 / call.scale);
  const TensorRef rate = answer.rate != nullptr ? call.metrics.slot(r.program, answer.rate)
                                                : r.temp("no_rate", vector_shape(1));
  critique.dy.add(r, 0, [&](const TensorRef& dy) {
    call.record(concat("loss_", answer.side), r.kernels.loss(loss, true), {value, rate, dy},
                inputs);
  });
  const bool of_critic = config_.loss == Loss::kWasserstein && !answer.of_generator();
  if (of_critic) record_estimate(call, value, answer.weight * call.scale);
}

// Both sides write d.wasserstein: the mean of -2 mean(t x) over the two is mean r - mean f.
void AdversarialObjective::record_estimate(const ObjectiveCall& call, const TensorRef& loss,
                                           double weight) const {
  Recorder& r = call.recorder;
  const TensorRef slot = call.metrics.slot(r.program, "d.wasserstein", -2.0 / weight);
  const SumDesc copy{.y = loss.shape, .scale = {1.0f}};
  call.record("wasserstein", r.kernels.sum(copy), {slot}, {loss});
}

}  // namespace gantry
