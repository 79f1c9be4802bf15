// SPDX-License-Identifier: Apache-2.0
#include "train/technique_rules.h"

#include "core/error.h"

namespace gantry {
namespace {

using Rules = std::vector<BrokenRule>;
using Loss = ObjectiveConfig::Loss;

void check_top_k(const ObjectiveConfig& objective, Rules& rules) {
  if (objective.top_k.nu == 1) return;
  const char* const key = "/objective/top_k";
  if (objective.type == "feature_matching") {
    rules.push_back({key,
                     "has no effect: G matches features and minimises no loss of D's score; remove "
                     "this key"});
  }
  if (objective.has_labels() && objective.labels.real < objective.labels.fake) {
    rules.push_back({key, concat("takes D's highest answers for the most real, but the label "
                                 "`real`, ",
                                 objective.labels.real, ", is below the label `fake`, ",
                                 objective.labels.fake, "; exchange the labels")});
  }
}

// ADA asks for the sign of D's answers.
void check_adaptive(const ObjectiveConfig& objective, Rules& rules) {
  if (!objective.augmentation.adaptive()) return;
  const char* const key = "/objective/augmentation/type";
  const char* const wanted = "\"ada\" follows the signs of D's answers to real samples, ";
  const char* const remedy = "use \"diffaugment\"";
  const LabelConfig& labels = objective.labels;
  if (!objective.has_score()) {
    rules.push_back(
        {key, concat(wanted, "and with \"", objective.type, "\" they are no scores; ", remedy)});
  } else if (objective.loss == Loss::kWasserstein) {
    rules.push_back({key, concat(wanted, "and a critic's have no zero; ", remedy)});
  } else if (objective.loss == Loss::kLeastSquares && labels.real + labels.fake != 0) {
    rules.push_back({key, concat(wanted, "and with the labels ", labels.real, " and ", labels.fake,
                                 " 0 is not between them; use labels 1 and -1, or ", remedy)});
  }
}

void check_images(const RunConfig& config, Rules& rules) {
  const DataSourceKind source = config.data.source;
  if (source != DataSourceKind::kRing && source != DataSourceKind::kGrid) return;
  const ObjectiveConfig& objective = config.objective;
  const char* const reason = "is made for images, and these data are points; remove this key";
  if (objective.augmentation.any()) rules.push_back({"/objective/augmentation", reason});
  if (objective.consistency.weight > 0) rules.push_back({"/objective/consistency", reason});
}

}  // namespace

void check_techniques(const RunConfig& config, Rules& rules) {
  const ObjectiveConfig& objective = config.objective;
  check_top_k(objective, rules);
  check_adaptive(objective, rules);
  check_images(config, rules);
  if (objective.augmentation.type != "none" && !objective.augmentation.any()) {
    rules.push_back(
        {"/objective/augmentation",
         "does nothing: all sizes are 0; give an operation a size, or remove this key"});
  }
  if (objective.consistency.weight > 0 && !objective.consistency.sizes.any()) {
    rules.push_back({"/objective/consistency",
                     "would compare D's answers to a sample and to the same sample; give an "
                     "operation a size, such as translation=0.125"});
  }
}

}  // namespace gantry
