// SPDX-License-Identifier: Apache-2.0
#include "train/config_rules.h"

#include <algorithm>
#include <bit>

#include "core/error.h"
#include "train/condition_rules.h"
#include "train/last_layer.h"
#include "train/objective_rules.h"
#include "train/packing_rules.h"
#include "train/shards.h"

namespace gantry {
namespace {

using Rules = std::vector<BrokenRule>;

void check_players(const RunConfig& config, Rules& rules) {
  for (const PlayerConfig* player : config.players()) {
    const std::string section = concat("/", player->section);
    const std::string optimizer = concat("/optimizer/", player->name);
    if (!config.needs(*player)) {
      const char* const idle = "has no part in the objective \"";
      if (player->present)
        rules.push_back({section, concat(idle, config.objective.type, "\"; remove this section")});
      if (player->has_optimizer)
        rules.push_back(
            {optimizer, concat(idle, config.objective.type, "\"; remove this section")});
      continue;
    }
    if (!player->present) {
      rules.push_back({section, concat("missing; the objective \"", config.objective.type,
                                       "\" needs this network")});
    } else if (player->network.layers.empty()) {
      rules.push_back({section + "/layers", "a network needs at least one layer"});
    }
    if (!player->has_optimizer) {
      rules.push_back({optimizer, concat("missing; it says how the weights of the ",
                                         player->section, " are updated")});
    }
  }
}

// Whether the samples that G makes, or that D of an energy draws again, can lie where the data do.
void check_range_of(const RunConfig& config, const PlayerConfig& player, Rules& rules) {
  const DataSourceKind source = config.data.source;
  const bool points = source == DataSourceKind::kRing || source == DataSourceKind::kGrid;
  const std::vector<double>& range = config.data.range;
  const std::string section = concat("/", player.section);
  const LastLayer last = last_layer(player.network, section);
  const std::string made_by = describe(last, &player == &config.generator ? "G" : "D");
  const bool bounded = any_of(last.type, {"tanh", "sigmoid"});
  if (points) {
    if (bounded) {
      rules.push_back({last.pointer, concat(made_by,
                                            ", which cannot reach the points of this data set; "
                                            "remove this layer")});
    }
    return;
  }
  const double low = last.type == "tanh" ? -1 : 0;
  const char* const harm = &player == &config.generator
                               ? "]; D would tell them apart by range alone: set data.range=["
                               : "], which D could not draw again: set data.range=[";
  if (bounded && (range[0] != low || range[1] != 1)) {
    rules.push_back({"/data/range",
                     concat(made_by, ", whose values lie in [", low, ", 1], but the data lie in [",
                            range[0], ", ", range[1], harm, low, ",1] or change the layer")});
  }
  if (any_of(last.type, {"relu", "softplus"}) && range[0] < 0) {
    rules.push_back(
        {"/data/range", concat(made_by, ", which is never negative, but the data begin at ",
                               range[0], "; set data.range=[0,1] or change the layer")});
  }
}

void check_data_range(const RunConfig& config, Rules& rules) {
  check_range_of(config, config.generator, rules);
  if (config.objective.has_energy()) check_range_of(config, config.discriminator, rules);
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

void check_evaluation(const RunConfig& config, Rules& rules) {
  const EvaluationConfig& evaluation = config.evaluation;
  const bool given = evaluation.has_data || evaluation.every > 0;
  const bool names_classes =
      config.objective.is_classifier() || config.objective.is_semi_supervised();
  if (given && !names_classes) {
    rules.push_back({"/evaluation", concat("has no effect on the objective \"",
                                           config.objective.type, "\"; remove it")});
  } else if (given && !config.has_evaluation_data()) {
    rules.push_back({"/evaluation/data", "missing; these data have no test split"});
  }
  if (evaluation.every % config.train.log_every != 0) {
    rules.push_back({"/evaluation/every",
                     concat("must be a multiple of train.log_every, ", config.train.log_every)});
  }
  if (evaluation.has_data && evaluation.data.range != config.data.range) {
    rules.push_back({"/evaluation/data/range", "must be that of the data"});
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

// A scaled loss has gradients that nothing but the optimizer's own pass may look at.
void check_loss_scale(const RunConfig& config, Rules& rules) {
  if (config.compute.precision != Precision::kFp16) return;
  const char* const remedy = "; use precision=bf16";
  if (config.objective.is_autoencoder()) {
    rules.push_back(
        {"/precision", concat("\"fp16\" scales the loss of each network, but the one of \"",
                              config.objective.type, "\" is of two networks", remedy)});
  }
  for (const PlayerConfig* player : config.players()) {
    const std::string optimizer = concat("/optimizer/", player->name);
    if (player->optimizer.clip_tensor_norm > 0) {
      rules.push_back({optimizer + "/clip_tensor_norm",
                       concat("precision \"fp16\" clips the gradient as a whole alone, by "
                              "clip_norm; remove this",
                              remedy)});
    }
    if (player->optimizer.historical_average > 0) {
      rules.push_back(
          {optimizer + "/historical_average",
           concat("would be added to the scaled gradients of precision \"fp16\"", remedy)});
    }
  }
}

void check_virtual_ranks(const RunConfig& config, Rules& rules) {
  const int64_t count = config.distributed.virtual_ranks;
  if (count == 0) return;
  if (!std::has_single_bit(static_cast<uint64_t>(count))) {
    rules.push_back({"/distributed/virtual_ranks",
                     concat(count, " is no power of two, which the tree of sums needs; take ",
                            std::bit_floor(static_cast<uint64_t>(count)), " or ",
                            std::bit_ceil(static_cast<uint64_t>(count)))});
  }
  if (config.distributed.sync_batch_norm) {
    rules.push_back({"/distributed/sync_batch_norm",
                     "shards of one rank are computed one after the other and cannot share "
                     "statistics; leave it out, or set virtual_ranks to 0"});
  }
  if (count > 1) check_shards(config, count, rules);
}

}  // namespace

bool any_of(const std::string& type, std::initializer_list<std::string_view> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

std::vector<BrokenRule> broken_rules(const RunConfig& config) {
  Rules rules;
  check_players(config, rules);
  check_data_range(config, rules);
  check_objective(config, rules);
  check_batches(config, rules);
  check_packing(config, rules);
  check_conditions(config, rules);
  const TrainConfig& train = config.train;
  check_schedule(config.generator.optimizer, "/optimizer/g", train.steps * train.g_steps, rules);
  check_schedule(config.discriminator.optimizer, "/optimizer/d",
                 train.d_updates_before(train.steps), rules);
  check_schedule(config.encoder.optimizer, "/optimizer/e", train.steps, rules);
  check_schedule(config.classifier.optimizer, "/optimizer/c", train.steps, rules);
  check_evaluation(config, rules);
  check_virtual_ranks(config, rules);
  check_loss_scale(config, rules);
  return rules;
}

}  // namespace gantry
