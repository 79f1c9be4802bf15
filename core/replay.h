// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/planner.h"

namespace gantry {

// Watches a replay call by call: profiler, finite check, trace. The stream is synchronised
// around each call when a watcher is given, and only then.
class ReplayWatcher {
 public:
  virtual ~ReplayWatcher() = default;
  // index: the call's place in the program.
  virtual void before(size_t /*index*/, const Call&, std::span<const TensorView>) {}
  virtual void after(size_t /*index*/, const Call&, std::span<const TensorView>) {}
};

// A program with addresses: its buffers placed in an arena, its calls bound. Programs that never
// run at the same time may share one arena, which must have at least plan.arena_bytes.
class Replay {
 public:
  Replay(Program program, MemoryPlan plan, std::shared_ptr<Memory> arena);

  // No branch, no allocation, no wait.
  void run(Stream& stream) const;
  void run(Stream& stream, ReplayWatcher& watcher) const;

  TensorView view(const TensorRef& ref) const;
  const Program& program() const { return program_; }
  const MemoryPlan& plan() const { return plan_; }

 private:
  struct Bound {
    const Kernel* kernel;
    std::span<const TensorView> args;
    void* scratch;
  };
  Program program_;
  MemoryPlan plan_;
  std::shared_ptr<Memory> arena_;
  std::vector<TensorView> views_;
  std::vector<Bound> bound_;
};

}  // namespace gantry
