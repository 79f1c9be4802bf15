// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "train/shards.h"
#include "train/system.h"

namespace gantry {

// One update of some networks, recorded over all shards of the batch: those of this rank one after
// the other, those of other ranks by all_reduce. Every shard begins from the states (running
// statistics, power iterations, what the objective keeps) that the update found, as shards on other
// ranks do. Afterwards, the same on all ranks: gradients are summed over shards; states that follow
// samples, what the objective keeps, and (at the end of the step, MetricSlots::record_sum) metrics
// are averaged. All of it along one balanced binary tree over the shards, so that the bytes do not
// depend on how many ranks share them, if shards and ranks are powers of two.
class ShardedUpdate {
 public:
  // `kept`: what the objective keeps of a batch, a mean over its samples (Objective::means).
  ShardedUpdate(System& system, Recorder& recorder, TensorRefs kept = {});

  // Records `shard(0)`, `shard(1)`, ... (of this rank's) and what brings them together. The shards
  // must write all gradients of the networks that learn.
  void record(const std::vector<const Player*>& learning,
              const std::function<void(int64_t shard)>& shard);

 private:
  // Buffers whose values over the shards are added up as they come, with `count` as in a binary
  // counter: partial sums of 1, 2, 4, ... shards wait in temporaries.
  void add_shard(const TensorRefs& parts, int64_t number);
  void scale(const TensorRefs& parts, double by);
  void copy(const char* name, const TensorRef& to, const TensorRef& from);
  void reduce(const TensorRefs& parts, double by, const std::string& what);

  System& system_;
  Recorder& recorder_;
  TensorRefs kept_;
  std::vector<TensorRefs> waiting_;  // per level of the tree, per part
};

}  // namespace gantry
