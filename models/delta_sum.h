// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unordered_map>
#include <vector>

#include "models/layer.h"

namespace gantry {

// What the readers of each place in a network send back to it, and who else still needs the memory
// that it lies in: a tensor may be overwritten only when nobody does.
class DeltaSum {
 public:
  DeltaSum(Recorder& recorder, size_t places) : recorder_(recorder), sent_(places) {}

  void send(size_t place, const TensorRef& delta);
  // The sum of what was sent to `place`, empty if nothing was. The caller holds it until release().
  // keep: nothing that was sent may be overwritten.
  TensorRef take(size_t place, bool keep);
  void release(const TensorRef& delta) { --holders_[delta.buffer]; }
  // Somebody besides the holder of `delta` needs its memory.
  bool shared(const TensorRef& delta) const { return holders_.at(delta.buffer) > 1; }

 private:
  Recorder& recorder_;
  std::vector<TensorRefs> sent_;
  std::unordered_map<uint32_t, int> holders_;  // per program buffer
};

}  // namespace gantry
