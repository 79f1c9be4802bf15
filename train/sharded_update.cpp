// SPDX-License-Identifier: Apache-2.0
#include "train/sharded_update.h"

namespace gantry {
namespace {

TensorRef flat(Program& program, const std::string& name, const TensorView& view) {
  TensorRef ref = program.external(name, view);
  ref.shape = vector_shape(view.shape.elements());
  return ref;
}

// States of all networks: each is run forward in the updates of others, too.
TensorRefs states_of(const System& system, Program& program, bool following_samples) {
  TensorRefs states;
  for (const auto& player : system.players) {
    if (player->store.states().empty()) continue;
    if (following_samples && !player->network.mixes_samples()) continue;
    states.push_back(flat(program, player->name + ".states", player->store.state_values()));
  }
  return states;
}

}  // namespace

ShardedUpdate::ShardedUpdate(System& system, Recorder& recorder, TensorRefs kept)
    : system_(system), recorder_(recorder), kept_(std::move(kept)) {}

void ShardedUpdate::record(const std::vector<const Player*>& learning,
                           const std::function<void(int64_t)>& shard) {
  Program& program = recorder_.program;
  const int64_t mine = system_.shards.mine;
  TensorRefs states = states_of(system_, program, false);
  states.insert(states.end(), kept_.begin(), kept_.end());
  const size_t first_metric = system_.metrics.slots();
  TensorRefs before;
  for (size_t i = 0; i < states.size() && mine > 1; ++i) {
    before.push_back(recorder_.temp("states_before", states[i].shape));
    copy("keep_states", before[i], states[i]);
  }
  TensorRefs sums, means = states_of(system_, program, true);
  for (const Player* player : learning) {
    sums.push_back(flat(program, player->name + ".gradients", player->store.grads()));
  }
  means.insert(means.end(), kept_.begin(), kept_.end());
  TensorRefs averaged = means;  // here; metrics are averaged over ranks once a step
  for (int64_t number = 0; number < mine; ++number) {
    if (mine == 1) {
      shard(0);
      break;
    }
    if (number > 0) system_.metrics.repeat_from(first_metric);
    for (size_t i = 0; i < states.size() && number > 0; ++i) {
      copy("same_states", states[i], before[i]);
    }
    {
      const Program::Scope scope(program, concat("s", number + 1));
      shard(number);
    }
    if (number == 0) {
      const TensorRef metrics = system_.metrics.since(program, first_metric);
      if (metrics) averaged.push_back(metrics);
    }
    TensorRefs parts = sums;
    parts.insert(parts.end(), averaged.begin(), averaged.end());
    add_shard(parts, number);
  }
  if (mine > 1) scale(averaged, 1.0 / static_cast<double>(mine));
  const Communicator& ranks = *system_.backend.communicator;
  if (!ranks.reduces()) return;
  reduce(sums, 1, "gradients");
  reduce(means, 1.0 / ranks.size(), "states");
}

void ShardedUpdate::add_shard(const TensorRefs& parts, int64_t number) {
  size_t level = 0;
  for (; (number >> level & 1) != 0; ++level) {
    for (size_t i = 0; i < parts.size(); ++i) {
      const SumDesc add{.y = parts[i].shape, .scale = {1.0f}, .accumulate = true};
      recorder_.program.call("add_shards", recorder_.kernels.sum(add), {}, {waiting_[level][i]},
                             {parts[i]});
    }
  }
  if (number + 1 == system_.shards.mine) return;
  waiting_.resize(std::max(waiting_.size(), level + 1));
  waiting_[level].clear();
  for (const TensorRef& part : parts) {
    waiting_[level].push_back(recorder_.temp("shards", part.shape));
    copy("keep_shards", waiting_[level].back(), part);
  }
}

void ShardedUpdate::scale(const TensorRefs& parts, double by) {
  for (const TensorRef& part : parts) {
    const SumDesc desc{.y = part.shape, .scale = {static_cast<float>(by)}};
    recorder_.program.call("mean_of_shards", recorder_.kernels.sum(desc), {part}, {part});
  }
}

void ShardedUpdate::copy(const char* name, const TensorRef& to, const TensorRef& from) {
  const SumDesc desc{.y = to.shape, .scale = {1.0f}};
  recorder_.program.call(name, recorder_.kernels.sum(desc), {to}, {from});
}

void ShardedUpdate::reduce(const TensorRefs& parts, double by, const std::string& what) {
  Program& program = recorder_.program;
  for (const TensorRef& part : parts) {
    const AllReduceDesc desc{.size = part.shape.elements(),
                             .dtype = part.dtype,
                             .scale = by,
                             .what = concat(program.prefix(), what),
                             .fixed_order = system_.config.distributed.virtual_ranks > 0};
    program.call("all_reduce", system_.backend.communicator->all_reduce(desc), {}, {}, {part});
  }
}

}  // namespace gantry
