// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/replay.h"

namespace gantry {

// Where named, nested ranges of time go: an NVTX domain on CUDA, a CallTimes table, nothing.
class ProfilerSink {
 public:
  virtual ~ProfilerSink() = default;
  virtual void begin(const char* name) = 0;
  virtual void end() = 0;
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

// One range per call of a replay, named as the call.
class ProfilerWatcher : public ReplayWatcher {
 public:
  explicit ProfilerWatcher(ProfilerSink& sink) : sink_(sink) {}
  void before(size_t, const Call& call, std::span<const TensorView>) override {
    sink_.begin(call.name.c_str());
  }
  void after(size_t, const Call&, std::span<const TensorView>) override { sink_.end(); }

 private:
  ProfilerSink& sink_;
};

// Adds up the time spent under each name.
class CallTimes : public ProfilerSink {
 public:
  using Clock = std::function<double()>;  // seconds
  struct Total {
    std::string name;
    uint64_t count = 0;
    double seconds = 0;  // ranges inside included
  };

  explicit CallTimes(Clock clock);
  void begin(const char* name) override;
  void end() override;
  std::vector<Total> totals() const;  // longest first, then by name

 private:
  Clock clock_;
  std::map<std::string, Total> totals_;
  std::vector<std::pair<std::string, double>> open_;
};

}  // namespace gantry
