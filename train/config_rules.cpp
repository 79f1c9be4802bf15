// SPDX-License-Identifier: Apache-2.0
#include "train/config_rules.h"

#include <algorithm>
#include <string_view>

#include "core/error.h"

namespace gantry {
namespace {

using Rules = std::vector<BrokenRule>;

struct LastLayer {
  std::string type, pointer;
};

// The layer that makes a network's first output, if the list alone tells.
LastLayer last_layer(const NetworkConfig& network, const std::string& pointer) {
  if (network.layers.empty()) return {};
  size_t last = network.layers.size() - 1;
  if (!network.outputs.empty()) {
    const auto named = std::find_if(
        network.layers.begin(), network.layers.end(),
        [&](const LayerConfig& layer) { return layer.name == network.outputs.front(); });
    if (named == network.layers.end()) return {};
    last = static_cast<size_t>(named - network.layers.begin());
  }
  return {network.layers[last].type, concat(pointer, "/layers/", last, "/type")};
}

bool any_of(const std::string& type, std::initializer_list<std::string_view> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

void check_networks_exist(const RunConfig& config, Rules& rules) {
  if (config.generator.layers.empty()) {
    rules.push_back({"/generator/layers", "a network needs at least one layer"});
  }
  if (config.discriminator.layers.empty()) {
    rules.push_back({"/discriminator/layers", "a network needs at least one layer"});
  }
}

void check_score(const RunConfig& config, Rules& rules) {
  const LastLayer last = last_layer(config.discriminator, "/discriminator");
  const bool bce = config.objective.loss == ObjectiveConfig::Loss::kBce;
  if (bce && any_of(last.type, {"sigmoid", "softmax"})) {
    rules.push_back({last.pointer, concat("the last layer of D is ", last.type,
                                          ", but the loss \"bce\" takes logits and applies the "
                                          "sigmoid itself; remove this layer")});
  }
  if (bce && any_of(last.type, {"tanh", "relu", "softplus", "silu", "elu"})) {
    rules.push_back({last.pointer, concat("the last layer of D is ", last.type,
                                          ", which bounds the logits that the loss \"bce\" takes; "
                                          "remove this layer")});
  }
  if (!bce && any_of(last.type, {"sigmoid", "softmax", "tanh"})) {
    rules.push_back({last.pointer, concat("the last layer of D is ", last.type,
                                          ": least squares has no gradient where it saturates; "
                                          "remove this layer")});
  }
}

void check_data_range(const RunConfig& config, Rules& rules) {
  const DataSourceKind source = config.data.source;
  const bool points = source == DataSourceKind::kRing || source == DataSourceKind::kGrid;
  const LastLayer last = last_layer(config.generator, "/generator");
  const std::vector<double>& range = config.data.range;
  if (points) {
    if (any_of(last.type, {"tanh", "sigmoid"})) {
      rules.push_back({last.pointer, concat("the last layer of G is ", last.type,
                                            ", which cannot reach the points of this data set; "
                                            "remove this layer")});
    }
    return;
  }
  const double low = last.type == "tanh" ? -1 : 0;
  if (any_of(last.type, {"tanh", "sigmoid"}) && (range[0] != low || range[1] != 1)) {
    rules.push_back(
        {"/data/range", concat("the last layer of G is ", last.type, ", whose values lie in [", low,
                               ", 1], but the data lie in [", range[0], ", ", range[1],
                               "]; D would tell them apart by range alone: set data.range=[", low,
                               ",1] or change the layer")});
  }
  if (any_of(last.type, {"relu", "softplus"}) && range[0] < 0) {
    rules.push_back(
        {"/data/range", concat("the last layer of G is ", last.type,
                               ", which is never negative, but the data begin at ", range[0],
                               "; set data.range=[0,1] or change the layer")});
  }
}

void check_labels(const RunConfig& config, Rules& rules) {
  const ObjectiveConfig& objective = config.objective;
  const LabelConfig& labels = objective.labels;
  const bool saturating = objective.generator_loss == ObjectiveConfig::GeneratorLoss::kSaturating;
  if (objective.loss == ObjectiveConfig::Loss::kBce) {
    const std::pair<const char*, double> named[] = {
        {"real", labels.real}, {"fake", labels.fake}, {"generator", labels.generator_target()}};
    for (const auto& [key, value] : named) {
      if (value >= 0 && value <= 1) continue;
      rules.push_back({concat("/objective/labels/", key),
                       concat("the loss \"bce\" takes labels as probabilities, 0 to 1, found ",
                              value, "; use the loss \"least_squares\" for others")});
    }
  } else if (saturating) {
    rules.push_back({"/objective/generator_loss",
                     "\"saturating\" with \"least_squares\" would drive D's answers to infinity; "
                     "use \"non_saturating\""});
  }
  if (saturating && labels.generator) {
    rules.push_back({"/objective/labels/generator",
                     "has no effect on the saturating loss, which maximises D's loss on fakes; "
                     "remove it or use \"non_saturating\""});
  }
}

void check_batches(const RunConfig& config, Rules& rules) {
  const TrainConfig& train = config.train;
  const std::pair<const char*, int64_t> batches[] = {
      {"batch", train.batch},
      {"fake_batch", train.fakes()},
      {"generator_batch", train.generator_samples()}};
  for (const auto& [key, samples] : batches) {
    if (samples % train.accumulate == 0) continue;
    rules.push_back({"/train/accumulate", concat(train.accumulate, " micro-batches do not divide ",
                                                 key, " ", samples, " evenly")});
    break;
  }
  if (!train.reuse_fakes) return;
  const char* const key = "/train/reuse_fakes";
  if (train.order != TrainConfig::Order::kDFirst) {
    rules.push_back({key, "needs \"order\": \"d_first\": the fakes are those of D's update"});
  }
  if (train.g_steps != 1) {
    rules.push_back({key, "needs g_steps 1: after one update of G the fakes are old"});
  }
  if (train.fakes() != train.generator_samples()) {
    rules.push_back({key, concat("needs as many fakes for D (", train.fakes(), ") as for G (",
                                 train.generator_samples(), ")")});
  }
}

void check_schedule(const OptimizerConfig& optimizer, const std::string& pointer, int64_t updates,
                    Rules& rules) {
  const ScheduleConfig& schedule = optimizer.schedule;
  if (schedule.kind == ScheduleDesc::Kind::kLinear && schedule.until < updates) {
    rules.push_back(
        {pointer + "/schedule/until", concat("the learning rate is 0 from update ", schedule.until,
                                             " on, but there "
                                             "are ",
                                             updates, " updates; raise it or lower train.steps")});
  }
  if (schedule.kind == ScheduleDesc::Kind::kCosine && schedule.floor > optimizer.lr) {
    rules.push_back({pointer + "/schedule/floor",
                     concat(schedule.floor, " is above the learning rate ", optimizer.lr)});
  }
}

}  // namespace

std::vector<BrokenRule> broken_rules(const RunConfig& config) {
  Rules rules;
  check_networks_exist(config, rules);
  check_score(config, rules);
  check_data_range(config, rules);
  check_labels(config, rules);
  check_batches(config, rules);
  const TrainConfig& train = config.train;
  check_schedule(config.optimizer_g, "/optimizer/g", train.steps * train.g_steps, rules);
  check_schedule(config.optimizer_d, "/optimizer/d", train.steps * train.d_steps, rules);
  return rules;
}

}  // namespace gantry
