// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "train/checkpoint.h"
#include "train/system.h"

namespace gantry {

// All that training changes, on the host. `step` is that of the device's counter.
Checkpoint checkpoint_of(System& system, Stream& stream);
// CheckpointError, with a table, where names, shapes or types differ; `place` names the checkpoint.
void restore_system(System& system, Stream& stream, const Checkpoint& checkpoint,
                    const std::string& place);

// meta: the numbers of ranks of the past, where --elastic has let them change.
inline constexpr const char* kEarlierRanksKey = "earlier_ranks";
// Why a run cannot go on bit for bit on as many ranks as there are now; empty where it can.
std::string why_not_on_these_ranks(const System& system, const Checkpoint& checkpoint);
// What to say under kEarlierRanksKey from here on: "4 to step 200".
std::string earlier_ranks(const System& system, const Checkpoint& checkpoint);

// Why going on from this checkpoint here may not give the same bytes as there: another processor,
// thread count or build. Empty: nothing known against it.
std::string why_not_exact(const System& system, const Checkpoint& checkpoint);

// The samples that a checkpoint was made for, so that no data is needed to draw from it.
SampleSpec sample_spec(const Checkpoint& checkpoint, const std::string& place);

}  // namespace gantry
