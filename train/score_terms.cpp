// SPDX-License-Identifier: Apache-2.0
#include "train/score_terms.h"

#include <algorithm>

#include "models/shared_batch.h"
#include "train/system.h"

namespace gantry {

LecamTerm::LecamTerm(std::unique_ptr<Objective> objective, const LecamConfig& config,
                     System& system)
    : ScoreTerm(std::move(objective)),
      config_(config),
      real_(system.keep("objective.lecam.real", vector_shape(1), 0)),
      fake_(system.keep("objective.lecam.fake", vector_shape(1), 0)),
      batch_(system.keep("objective.lecam.batch", vector_shape(1), 0)) {}

TensorRefs LecamTerm::means(Program& program) const {
  TensorRefs all = ScoreTerm::means(program);
  all.push_back(program.external("objective.lecam.real", real_));
  all.push_back(program.external("objective.lecam.fake", fake_));
  all.push_back(program.external("objective.lecam.batch", batch_));
  return all;
}

void LecamTerm::discriminator_real(const ObjectiveCall& call, const Critique& real) const {
  ScoreTerm::discriminator_real(call, real);
  Program& program = call.recorder.program;
  record(call, real, false, program.external("objective.lecam.fake", fake_));
  record_mean(call, real, program.external("objective.lecam.batch", batch_));
}

// The means move once both sides have been compared with those from before.
void LecamTerm::discriminator_fake(const ObjectiveCall& call, const Critique& fake) const {
  ScoreTerm::discriminator_fake(call, fake);
  Program& program = call.recorder.program;
  const TensorRef of_real = program.external("objective.lecam.real", real_);
  record(call, fake, true, of_real);
  const TensorRef mean = call.recorder.temp("lecam_mean", vector_shape(1));
  record_mean(call, fake, mean);
  move(call, "d.lecam_real", of_real, program.external("objective.lecam.batch", batch_));
  move(call, "d.lecam_fake", program.external("objective.lecam.fake", fake_), mean);
}

// Both sides write d.lecam, of which the mean over writes is logged: the sum is twice that.
void LecamTerm::record(const ObjectiveCall& call, const Critique& critique, bool is_fake,
                       const TensorRef& anchor) const {
  Recorder& r = call.recorder;
  const double scale = config_.weight * call.scale;
  const LecamDesc desc{.y = critique.y[0].shape,
                       .below = is_fake,
                       .scale = static_cast<float>(scale),
                       .start = config_.start};
  const TensorRef value = call.metrics.slot(r.program, "d.lecam", 2 / scale);
  critique.dy.add(r, 0, [&](const TensorRef& dy) {
    call.record(is_fake ? "loss_lecam_fake" : "loss_lecam_real", r.kernels.lecam(desc), {value, dy},
                {critique.y[0], anchor, r.step});
  });
}

void LecamTerm::record_mean(const ObjectiveCall& call, const Critique& critique,
                            const TensorRef& mean) const {
  const Shape shape = critique.y[0].shape;
  const ReduceDesc desc{.x = shape, .scale = 1 / static_cast<float>(shape.elements())};
  call.record("lecam_mean", call.recorder.kernels.reduce(desc), {mean}, {critique.y[0]});
}

void LecamTerm::move(const ObjectiveCall& call, const char* metric, const TensorRef& average,
                     const TensorRef& mean) const {
  Recorder& r = call.recorder;
  const MovingAverageDesc desc{.decay = static_cast<float>(config_.decay), .start = config_.start};
  call.record("lecam_average", r.kernels.moving_average(desc),
              {call.metrics.slot(r.program, metric)}, {mean, r.step}, {average});
}

void ConsistencyTerm::discriminator_real(const ObjectiveCall& call, const Critique& real) const {
  ScoreTerm::discriminator_real(call, real);
  GANTRY_CHECK(real.again != nullptr, "D has not been asked again");
  Recorder& r = call.recorder;
  const TensorRef &first = real.y[0], &second = real.again->y[0];
  const double scale = config_.weight * call.scale;
  const LossDesc desc{.kind = LossDesc::Kind::kMse,
                      .x = first.shape,
                      .t = first.shape,
                      .scale = static_cast<float>(scale)};
  const auto record = [&](const char* name, const TensorRef& value, const TensorRefs& pair) {
    return [&, name, value, pair](const TensorRef& dy) {
      const TensorRef rate = r.temp("no_rate", vector_shape(1));
      call.record(name, r.kernels.loss(desc, true), {value, rate, dy}, pair);
    };
  };
  const TensorRef value = call.metrics.slot(r.program, "d.consistency", 1 / scale);
  real.dy.add(r, 0, record("loss_consistency", value, {first, second}));
  const TensorRef same = r.temp("same_value", vector_shape(1));
  real.again->dy.add(r, 0, record("consistency_again", same, {second, first}));
}

AdaptiveAugmentation::AdaptiveAugmentation(std::unique_ptr<Objective> objective,
                                           const AugmentationConfig& config, System& system)
    : ScoreTerm(std::move(objective)),
      config_(config),
      shards_(std::max<int64_t>(1, system.config.distributed.virtual_ranks)),
      packing_(system.config.objective.packing),
      interval_(config.every * system.config.train.batch / (shards_ * packing_)),
      p_(system.keep(kAugmentationProbability, vector_shape(1), config.probability)),
      tally_(system.keep("objective.augmentation.tally", vector_shape(2), 0)) {}

TensorRefs AdaptiveAugmentation::means(Program& program) const {
  TensorRefs all = ScoreTerm::means(program);
  if (shards_ == 1) return all;  // the same on all ranks
  all.push_back(program.external(kAugmentationProbability, p_));
  all.push_back(program.external("objective.augmentation.tally", tally_));
  return all;
}

void AdaptiveAugmentation::discriminator_real(const ObjectiveCall& call,
                                              const Critique& real) const {
  ScoreTerm::discriminator_real(call, real);
  Recorder& r = call.recorder;
  const TensorRef answers = of_all_ranks(r, "answers", real.y[0]);
  const AdaptiveProbabilityDesc desc{.y = answers.shape,
                                     .target = config_.target,
                                     .span = config_.span / static_cast<double>(shards_ * packing_),
                                     .interval = interval_};
  call.record("adapt", r.kernels.adaptive_probability(desc),
              {call.metrics.slot(r.program, "d.ada_rt"), call.metrics.slot(r.program, "d.ada_p")},
              {answers},
              {r.program.external(kAugmentationProbability, p_),
               r.program.external("objective.augmentation.tally", tally_)});
}

}  // namespace gantry
