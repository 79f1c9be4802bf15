// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "train/objective.h"
#include "train/technique_config.h"

namespace gantry {

class System;

// What goes beside the losses of any objective about a score: all is that objective's, and more is
// done with D's answers in its updates.
class ScoreTerm : public Objective {
 public:
  explicit ScoreTerm(std::unique_ptr<Objective> objective) : objective_(std::move(objective)) {}

  bool compares_real() const override { return objective_->compares_real(); }
  TensorRefs means(Program& program) const override { return objective_->means(program); }
  void discriminator_real(const ObjectiveCall& call, const Critique& real) const override {
    objective_->discriminator_real(call, real);
  }
  void discriminator_fake(const ObjectiveCall& call, const Critique& fake) const override {
    objective_->discriminator_fake(call, fake);
  }
  void generator(const ObjectiveCall& call, const Critique& fake) const override {
    objective_->generator(call, fake);
  }
  void generator_done(const ObjectiveCall& call) const override {
    objective_->generator_done(call);
  }

 private:
  std::unique_ptr<Objective> objective_;
};

// LeCam (Tseng et al. 2021, R_LC; one-sided as in their code): D adds
//   weight (mean [r - m_f]+^2 + mean [m_r - f]+^2)
// from step `start` on, m_r and m_f running means of its answers to real and to generated samples
// as they stood before this update. Kept: objective.lecam.real, .fake (m_r, m_f) and .batch (the
// mean of the real batch, until the generated one has been seen). Metrics: d.lecam, the term
// without its weight, and d.lecam_real, d.lecam_fake, the means after the update.
class LecamTerm : public ScoreTerm {
 public:
  LecamTerm(std::unique_ptr<Objective> objective, const LecamConfig& config, System& system);

  // All that it keeps: what is a mean over one shard's samples moves as a mean over all does.
  TensorRefs means(Program& program) const override;
  void discriminator_real(const ObjectiveCall&, const Critique& real) const override;
  void discriminator_fake(const ObjectiveCall&, const Critique& fake) const override;

 private:
  void record(const ObjectiveCall&, const Critique&, bool is_fake, const TensorRef& anchor) const;
  void record_mean(const ObjectiveCall&, const Critique&, const TensorRef& mean) const;
  void move(const ObjectiveCall&, const char* metric, const TensorRef& average,
            const TensorRef& mean) const;

  LecamConfig config_;
  TensorView real_, fake_, batch_;  // kept in the system
};

// Consistency regularisation (Zhang et al. 2020, L_cr): D adds
//   weight mean (D(x) - D(T(x)))^2
// over real samples x as it is shown them, T an augmentation; both answers learn. Metric:
// d.consistency, the term without its weight.
class ConsistencyTerm : public ScoreTerm {
 public:
  ConsistencyTerm(std::unique_ptr<Objective> objective, const ConsistencyConfig& config)
      : ScoreTerm(std::move(objective)), config_(config) {}

  void discriminator_real(const ObjectiveCall&, const Critique& real) const override;

 private:
  ConsistencyConfig config_;
};

// What is kept of adaptive augmentation.
inline constexpr const char* kAugmentationProbability = "objective.augmentation.p";

// Adaptive augmentation (Karras et al. 2020, section 3.1): after every `every` real batches, of
// whatever cut into micro-batches,
//   p <- max(0, p + sign(rt - target) samples / span),  rt the mean sign of D's answers to them.
// Kept: objective.augmentation.p, and .tally (kernels/ops/score.h). Metrics: d.ada_p, the
// probability from here on, and d.ada_rt, the mean sign since the last change. In exact mode each
// shard follows the answers to its own samples, and p moves by the mean of what they say.
class AdaptiveAugmentation : public ScoreTerm {
 public:
  AdaptiveAugmentation(std::unique_ptr<Objective> objective, const AugmentationConfig& config,
                       System& system);

  TensorRefs means(Program& program) const override;
  void discriminator_real(const ObjectiveCall&, const Critique& real) const override;

 private:
  AugmentationConfig config_;
  int64_t shards_;        // of a batch whose answers are looked at apart
  int64_t packing_;       // samples behind an answer
  int64_t interval_;      // answers of a shard
  TensorView p_, tally_;  // kept in the system
};

}  // namespace gantry
