// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/log.h"
#include "core/safetensors.h"

namespace gantry {

// Everything a run needs to go on as if it had never stopped. Holds nothing of clock or machine
// that would make two equal runs differ.
struct Checkpoint {
  uint64_t step = 0;                // steps done
  std::vector<HostTensor> tensors;  // weights, states, optimizer moments, EMA: "g.conv1.weight"
  std::map<std::string, std::string> meta;  // config hash, network signature, build, threads, ...

  // CheckpointError when there is none of this name.
  const HostTensor& tensor(const std::string& name) const;
};

// What to keep beside the one just written.
struct Retention {
  int64_t last = 3;         // newest so many; at least 1
  std::string metric = {};  // not empty: also the best by this metric
  bool higher_is_better = false;
};

// The checkpoints of one run:
//   FOLDER/step-00000500/state.safetensors   the tensors
//   FOLDER/step-00000500/manifest.json       step, meta, size and SHA-256 of file and tensors
//   FOLDER/best.json                         {"step", "metric", "value"}
// A save writes a temporary folder, syncs it and renames it: the name step-* exists only for whole
// checkpoints. A load believes nothing: sizes, digests, header and manifest must all agree.
class CheckpointStore {
 public:
  CheckpointStore(std::filesystem::path folder, Log& log) : folder_(std::move(folder)), log_(log) {}

  // Removes what a killed save left. Only by the owner of the run (see RunDir).
  void sweep();

  // IoError when it cannot be written; what was there before stays as it was. `score` is the value
  // of retention.metric at this step; NaN never becomes the best.
  void save(const Checkpoint& checkpoint, const Retention& retention,
            std::optional<double> score = std::nullopt);

  // The newest usable one. Each damaged one on the way is named aloud and passed over.
  // Empty when the run has none yet; CheckpointError when there are some and none is usable.
  std::optional<Checkpoint> load_latest();
  Checkpoint load_step(uint64_t step);
  std::optional<Checkpoint> load_best();

  // On resuming from `step`: renames newer ones (damaged, or left behind by choice) to aside-*, so
  // that they are never taken for results of the run that now goes on.
  void set_aside_after(uint64_t step);

  std::vector<uint64_t> steps() const;  // ascending
  std::optional<uint64_t> best_step() const;
  std::filesystem::path path_of(uint64_t step) const;

 private:
  void prune(const Retention& retention);

  std::filesystem::path folder_;
  Log& log_;
};

// One checkpoint folder, verified. CheckpointError names the file and what is wrong with it.
Checkpoint load_checkpoint(const std::filesystem::path& folder);
void write_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint);

// How `found` differs from `expected`, as a table with a line per difference; empty when it does
// not.  Order does not count.
std::string compare_tensors(const std::vector<TensorInfo>& expected,
                            const std::vector<TensorInfo>& found);
// CheckpointError with that table unless they agree. `place` names the checkpoint.
void require_same_tensors(const std::vector<TensorInfo>& expected, const Checkpoint& checkpoint,
                          const std::string& place);

}  // namespace gantry
