// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/replay.h"

namespace gantry {

// Where named, nested ranges of time go, for a profiler from outside to see: an NVTX domain on
// CUDA.
class ProfilerSink {
 public:
  virtual ~ProfilerSink() = default;
  virtual void begin(const char* name) = 0;
  virtual void end() = 0;
  // Between these a profiler that waits to be told records what the device does. The second never
  // throws: it is part of taking things down.
  virtual void start_capture() {}
  virtual void stop_capture() noexcept {}
};

// A range from construction to destruction; free when there is no sink.
class ProfilerRange {
 public:
  ProfilerRange(ProfilerSink* sink, const char* name) : sink_(sink) {
    if (sink_) sink_->begin(name);
  }
  ~ProfilerRange() {
    if (sink_) sink_->end();
  }
  ProfilerRange(const ProfilerRange&) = delete;
  ProfilerRange& operator=(const ProfilerRange&) = delete;

 private:
  ProfilerSink* sink_;
};

// Ranges around the queueing of each call of one run: "d1.m1.d.conv2.forward" stands in d1 > m1 > d
// > conv2 > forward, and calls that follow each other share what their names begin with. Whatever
// is open is closed when the watcher goes.
class ProfilerWatcher : public ReplayWatcher {
 public:
  explicit ProfilerWatcher(ProfilerSink& sink) : sink_(sink) {}
  ~ProfilerWatcher() override { close_to(0); }
  bool looks_at_values() const override { return false; }
  void before(size_t index, const Call& call, std::span<const TensorView> args) override;
  void after(size_t index, const Call& call, std::span<const TensorView> args) override;

 private:
  void close_to(size_t depth);

  ProfilerSink& sink_;
  std::vector<std::string> open_;
};

}  // namespace gantry
