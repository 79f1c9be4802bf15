// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "train/config_file.h"
#include "train/session.h"

namespace gantry {

// Small DCGANs on 8x8 synthetic samples that a test can train in milliseconds.
inline constexpr const char* kTinyGan = R"({
  "name": "tiny", "seed": 5, "threads": 2,
  "data": {"source": "glyphs", "samples": 96, "size": [8, 8]},
  "latent": {"size": 12},
  "generator": {"layers": [
    {"type": "dense", "units": 128, "bias": false},
    {"type": "reshape", "shape": [8, 4, 4]},
    {"type": "batch_norm"}, {"type": "relu"}, {"type": "dropout", "rate": 0.2},
    {"type": "conv_transpose", "channels": 1, "kernel": 4, "stride": 2, "padding": 1},
    {"type": "tanh"}]},
  "discriminator": {"layers": [
    {"type": "conv", "channels": 8, "kernel": 4, "stride": 2, "padding": 1},
    {"type": "leaky_relu", "slope": 0.2},
    {"type": "conv", "channels": 12, "kernel": 3, "stride": 2, "padding": 1, "bias": false},
    {"type": "batch_norm"}, {"type": "leaky_relu", "slope": 0.2}, {"type": "dropout", "rate": 0.3},
    {"type": "flatten"}, {"type": "dense", "units": 1}]},
  "objective": {"labels": {"smooth_real": 0.1, "noise_fake": 0.1, "flip_real": 0.05},
                "instance_noise": {"sigma": 0.1, "until": 50}},
  "optimizer": {"g": {"lr": 2e-3, "betas": [0.5, 0.999]},
                "d": {"lr": 1e-3, "betas": [0.5, 0.999],
                      "schedule": {"type": "inverse_time", "decay": 0.01}}},
  "train": {"steps": 10, "batch": 16, "ema": {"decay": 0.9}}
})";

// A session on a backend of its own, initialised.
class TrainingRig {
 public:
  TrainingRig(Backend backend, const std::string& config,
              const std::vector<std::string>& overrides = {})
      : backend_(std::move(backend)) {
    RunConfig parsed = parse_config(config, "test.json", overrides).config;
    auto data = open_data(parsed.data, static_cast<uint64_t>(parsed.seed));
    session_ = std::make_unique<Session>(std::move(parsed), backend_, std::move(data));
    session_->initialize();
  }

  Session& session() { return *session_; }
  Backend& backend() { return backend_; }
  void step(int count) {
    for (int i = 0; i < count; ++i) session_->step();
  }
  std::map<std::string, double> metrics() {
    return session_->gan().metrics.latest(*backend_.device, session_->stream());
  }

 private:
  Backend backend_;
  std::unique_ptr<Session> session_;
};

inline TrainingRig cpu_rig(const std::vector<std::string>& overrides = {}) {
  return TrainingRig(open_backend(BackendChoice::kCpu, 2), kTinyGan, overrides);
}

}  // namespace gantry
