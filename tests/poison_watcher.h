// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/replay.h"

namespace gantry {

// Fills with NaN, before every call of a replay, whatever of the arena holds no value then: dead
// buffers, the outputs that the call is about to write for the first time, its scratch. A step that
// computes the same with and without it reads no stale or unwritten memory. Host arenas only.
class PoisonWatcher : public ReplayWatcher {
 public:
  PoisonWatcher(const Replay& replay, const Memory& arena) : replay_(replay), arena_(arena) {}
  void before(size_t index, const Call& call, std::span<const TensorView> args) override;

 private:
  const Replay& replay_;
  const Memory& arena_;
};

}  // namespace gantry
