// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "train/system.h"

namespace gantry {

// A tensor worth seeing (an input, a score), and when it can be seen: once the first `calls` calls
// have run and before the next one does. Named as in docs/trace-format.md: "d1.m1.latent".
struct Tap {
  std::string name;
  TensorRef ref;
  size_t calls = 0;
};

struct RecordedStep {
  Program program;
  std::vector<Tap> taps;
};

// How a system learns, written down. Most steps are alike; where some are not (a lazy penalty, more
// critic updates in the beginning), each kind of step is a variant with a program of its own, and
// which one a step is depends on its number alone.
class TrainingStep {
 public:
  virtual ~TrainingStep() = default;

  // Variant 0 is the usual one.
  virtual size_t variants() const { return 1; }
  virtual size_t variant_of(int64_t /*step*/) const { return 0; }  // steps count from 0
  // Records all of a step of this kind, the metrics sum and the step counter included. Each variant
  // is recorded once.
  virtual RecordedStep record(size_t variant) = 0;

  // Batches of train.batch real samples that a step of this kind reads, from system.real_data.
  virtual int64_t real_batches(size_t variant) const = 0;
  // The batches that all steps before this one read. Called often: a formula, not a loop.
  virtual int64_t batches_before(int64_t step) const { return step * real_batches(0); }
};

// The way of learning that system.config.objective names. May keep state in the system.
std::unique_ptr<TrainingStep> make_training_step(System& system);

}  // namespace gantry
