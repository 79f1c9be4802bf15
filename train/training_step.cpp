// SPDX-License-Identifier: Apache-2.0
#include "train/training_step.h"

#include "train/adversarial_objective.h"
#include "train/adversarial_step.h"
#include "train/autoencoder_step.h"
#include "train/class_objective.h"
#include "train/classifier_step.h"
#include "train/code_objective.h"
#include "train/energy_objective.h"
#include "train/feature_matching.h"
#include "train/score_terms.h"
#include "train/semi_supervised.h"

namespace gantry {

namespace {

std::unique_ptr<Objective> make_game(System& system) {
  const ObjectiveConfig& config = system.config.objective;
  if (config.type == "ebgan") return std::make_unique<EbganObjective>(config.ebgan);
  if (config.type == "began") return std::make_unique<BeganObjective>(config.began, system);
  if (config.type == "feature_matching") {
    return std::make_unique<FeatureMatching>(config, system.seed());
  }
  if (config.is_semi_supervised()) return std::make_unique<SemiSupervised>(system);
  auto score = std::make_unique<AdversarialObjective>(config, system.seed());
  if (config.type == "acgan") {
    return std::make_unique<ClassObjective>(std::move(score), config.acgan, system);
  }
  if (config.type == "infogan") {
    return std::make_unique<CodeObjective>(std::move(score), config.infogan, system);
  }
  return score;
}

std::unique_ptr<Objective> make_objective(System& system) {
  const ObjectiveConfig& config = system.config.objective;
  std::unique_ptr<Objective> objective = make_game(system);
  if (config.lecam.weight > 0) {
    objective = std::make_unique<LecamTerm>(std::move(objective), config.lecam, system);
  }
  if (config.consistency.weight > 0) {
    objective = std::make_unique<ConsistencyTerm>(std::move(objective), config.consistency);
  }
  if (config.augmentation.adaptive()) {
    objective =
        std::make_unique<AdaptiveAugmentation>(std::move(objective), config.augmentation, system);
  }
  return objective;
}

}  // namespace

std::unique_ptr<TrainingStep> make_training_step(System& system) {
  if (system.config.objective.is_classifier()) return std::make_unique<ClassifierStep>(system);
  if (system.config.objective.is_autoencoder()) {
    return std::make_unique<AutoencoderStep>(system);
  }
  return std::make_unique<AdversarialStep>(system, make_objective(system));
}

}  // namespace gantry
