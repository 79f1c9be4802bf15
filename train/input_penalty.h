// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "train/objective.h"
#include "train/system.h"

namespace gantry {

// What the penalties of one micro-batch are about.
struct PenalisedBatch {
  TensorRef real, fake;  // as D sees them
  TensorRef whole;    // this rank's part (exact mode: the shard) of the real batch that `real` is
                      // of, without noise
  uint32_t draw = 0;  // tells this micro-batch from the others of the step
};

// The penalties of the config on D's gradient g = grad_x D(x), D's answer to a sample being the
// mean over its patches:
//   gradient  weight E (|g| - target)^2 at x^ = a real + (1 - a) fake, a ~ U[0,1) per sample
//   dragan    the same at x^ = real + a spread std(whole) U[0,1), a per sample, U per element
//   r1, r2    gamma / 2 E |g|^2 at real, at fake
// each times `every`. Their gradients come from double_backward (docs/second-order.md).
// Metrics: d.penalty, without the factor `every`, and d.gradient_norm, the mean of |g|; where a run
// has several penalties, d.penalty_gradient, d.penalty_r1 and so on.
class InputPenalties {
 public:
  // D's forward pass on x; `id` tells its draws from those of other passes of the step.
  using Critic = std::function<NetworkPass(const TensorRef& x, uint32_t id)>;

  InputPenalties(const PenaltiesConfig& config, const Player& d, uint64_t seed)
      : config_(config), d_(d), seed_(seed) {}

  // Adds to D's gradients, which an ordinary backward pass has written before.
  void record(const ObjectiveCall& call, const PenalisedBatch& batch, const Critic& critic) const;

 private:
  struct Term;
  TensorRef between(const ObjectiveCall&, const PenalisedBatch&) const;
  TensorRef about(const ObjectiveCall&, const PenalisedBatch&) const;
  TensorRef record_deviation(const ObjectiveCall&, const TensorRef& x) const;
  void record_term(const ObjectiveCall&, const Term&, NetworkPass pass) const;
  std::string metric(const char* name, const Term&) const;
  int count() const;

  PenaltiesConfig config_;
  const Player& d_;
  uint64_t seed_;
};

}  // namespace gantry
