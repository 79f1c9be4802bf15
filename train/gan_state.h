// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "train/checkpoint.h"
#include "train/gan.h"

namespace gantry {

// All that training changes, on the host. `step` is that of the device's counter.
Checkpoint checkpoint_of(Gan& gan, Stream& stream);
// CheckpointError, with a table, where names, shapes or types differ; `place` names the checkpoint.
void restore_gan(Gan& gan, Stream& stream, const Checkpoint& checkpoint, const std::string& place);

// Why going on from this checkpoint here may not give the same bytes as there: another processor,
// thread count or build. Empty: nothing known against it.
std::string why_not_exact(const Gan& gan, const Checkpoint& checkpoint);

// The sample shape that a checkpoint was made for, so that no data is needed to draw from it.
Shape sample_shape(const Checkpoint& checkpoint, const std::string& place);

}  // namespace gantry
