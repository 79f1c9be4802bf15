// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/train/tiny_gan.h"
#include "train/config_file.h"
#include "train/session.h"

namespace gantry {

// A session on a backend of its own, initialised.
class TrainingRig {
 public:
  TrainingRig(Backend backend, const std::string& config,
              const std::vector<std::string>& overrides = {},
              Allocator allocator = Allocator::kArena)
      : backend_(std::move(backend)) {
    RunConfig parsed = parse_config(config, "test.json", overrides).config;
    auto data = open_data(parsed.data, static_cast<uint64_t>(parsed.seed));
    session_ = std::make_unique<Session>(std::move(parsed), backend_, std::move(data), allocator);
    session_->initialize();
  }

  Session& session() { return *session_; }
  Backend& backend() { return backend_; }
  void step(int count) {
    for (int i = 0; i < count; ++i) session_->step();
  }
  std::map<std::string, double> metrics() { return session_->latest_metrics(); }

 private:
  Backend backend_;
  std::unique_ptr<Session> session_;
};

// Two threads, or what GANTRY_TEST_THREADS says: the thread sanitizer takes libgomp's barriers,
// which it cannot see, for races.
inline Backend cpu_backend() {
  const char* threads = std::getenv("GANTRY_TEST_THREADS");
  return open_backend(BackendChoice::kCpu, threads ? std::atoi(threads) : 2);
}

// The GPU where GANTRY_TEST_BACKENDS=cuda, else the CPU.
inline Backend tested_backend() {
  const char* wish = std::getenv("GANTRY_TEST_BACKENDS");
  if (wish && std::string(wish) == "cuda") return open_backend(BackendChoice::kCuda, 0);
  return cpu_backend();
}

inline TrainingRig tested_rig(const std::vector<std::string>& overrides = {},
                              Allocator allocator = Allocator::kArena) {
  return TrainingRig(tested_backend(), kTinyGan, overrides, allocator);
}

// For what is about the CPU, or reaches into the memory of its device.
inline TrainingRig cpu_rig(const std::vector<std::string>& overrides = {},
                           Allocator allocator = Allocator::kArena) {
  return TrainingRig(cpu_backend(), kTinyGan, overrides, allocator);
}

}  // namespace gantry
