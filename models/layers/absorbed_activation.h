// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layer.h"

namespace gantry {

// The pointwise activation at the end of a layer that computes y = act(z) in one kernel and keeps
// y alone. Everything is had from y.
class AbsorbedActivation {
 public:
  // False if there is one already, or if it cannot be undone from y.
  bool absorb(const Activation& activation);
  const Activation& activation() const { return activation_; }

  // dz = act'(z) dy; in place of dy unless keep_dy.
  TensorRef backward(Recorder& recorder, const TensorRef& y, const TensorRef& dy,
                     bool keep_dy) const;

  // uy = act'(z) uz (in place of uz where act is piecewise linear), hz = act''(z) dy uz (empty
  // where that is zero).
  struct Curved {
    TensorRef uy, hz;
  };
  Curved double_backward(Recorder& recorder, const TensorRef& y, const TensorRef& dy,
                         const TensorRef& uz) const;

 private:
  Activation activation_;
};

}  // namespace gantry
