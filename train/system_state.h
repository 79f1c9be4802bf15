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

// Why going on from this checkpoint here may not give the same bytes as there: another processor,
// thread count or build. Empty: nothing known against it.
std::string why_not_exact(const System& system, const Checkpoint& checkpoint);

// The samples that a checkpoint was made for, so that no data is needed to draw from it.
SampleSpec sample_spec(const Checkpoint& checkpoint, const std::string& place);

}  // namespace gantry
