// SPDX-License-Identifier: Apache-2.0
#include "train/packing_rules.h"

#include <algorithm>

#include "core/error.h"
#include "train/system.h"

namespace gantry {
namespace {

using Rules = std::vector<BrokenRule>;

constexpr const char* kKey = "/objective/packing";

// What D would have to say, or be told, of each sample by itself; null: nothing.
const char* said_of_each(const RunConfig& config) {
  const ObjectiveConfig& objective = config.objective;
  const std::vector<std::string>& inputs = config.discriminator.network.inputs;
  if (objective.has_energy()) return "D is an autoencoder, which draws each sample again";
  if (objective.is_semi_supervised() || objective.type == "acgan") {
    return "D names the class of each sample";
  }
  if (objective.type == "infogan") return "D reads the codes of each sample";
  if (std::find(inputs.begin(), inputs.end(), kLabelInput) != inputs.end()) {
    return "D is told the label of each sample";
  }
  if (objective.consistency.weight > 0) {
    return "/objective/consistency compares D's answers to a sample and to the same augmented";
  }
  return nullptr;
}

void check_reference(const RunConfig& config, Rules& rules) {
  const std::vector<LayerConfig>& layers = config.discriminator.network.layers;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (!layers[i].layer->needs_reference()) continue;
    rules.push_back({concat("/discriminator/layers/", i, "/type"),
                     concat(layers[i].type, " has a reference batch of samples, and with ", kKey,
                            " D is given packs of them; use batch_norm, layer_norm or no norm")});
  }
}

// Packs never reach over the end of a micro-batch.
void check_pack_sizes(const RunConfig& config, Rules& rules) {
  const TrainConfig& train = config.train;
  const int64_t packing = config.objective.packing;
  const std::pair<const char*, int64_t> batches[] = {
      {"batch", train.batch},
      {"fake_batch", train.fakes()},
      {"generator_batch", train.generator_samples()}};
  for (const auto& [key, samples] : batches) {
    if (samples % (packing * train.accumulate) == 0) continue;
    const std::string parts =
        train.accumulate > 1 ? concat(" in each of ", train.accumulate, " micro-batches") : "";
    rules.push_back({concat("/train/", key),
                     concat(samples, " samples do not divide into packs of ", packing, " (", kKey,
                            ")", parts, "; make it a multiple of ", packing * train.accumulate)});
    break;
  }
}

}  // namespace

void check_packing(const RunConfig& config, Rules& rules) {
  if (config.objective.packing == 1) return;
  if (const char* reason = said_of_each(config)) {
    rules.push_back({kKey, concat(reason, ", but has one answer for ", config.objective.packing,
                                  " samples; remove this key")});
  }
  check_reference(config, rules);
  check_pack_sizes(config, rules);
}

}  // namespace gantry
