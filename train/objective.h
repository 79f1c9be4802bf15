// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "models/layer.h"
#include "train/metric_slots.h"

namespace gantry {

// One use of an objective inside a step.
struct ObjectiveCall {
  Recorder& recorder;
  MetricSlots& metrics;
  uint32_t draw = 0;  // tells the random targets of this use from those of others in the step
  double scale = 1;   // of every loss: 1 / micro-batches, times this side's share of the batch
};

// A discriminator's answer to one batch, and where the gradients of the loss go.
struct Critique {
  TensorRef x;    // the batch it was shown
  TensorRefs y;   // its outputs; y[0] the score, n x 1 (n x 1 x h x w for patches: averaged)
  TensorRefs dy;  // d loss / d y, tensors of the same shapes
};

// The two players' losses and their gradients with respect to the discriminator's outputs. Knows
// no layer: given outputs it records loss kernels. Metrics it leaves: d.loss_real, d.loss_fake,
// d.accuracy_real, d.accuracy_fake, g.loss, g.fooled.
class Objective {
 public:
  virtual ~Objective() = default;
  virtual void discriminator_real(const ObjectiveCall&, const Critique& real) const = 0;
  virtual void discriminator_fake(const ObjectiveCall&, const Critique& fake) const = 0;
  virtual void generator(const ObjectiveCall&, const Critique& fake) const = 0;
};

}  // namespace gantry
