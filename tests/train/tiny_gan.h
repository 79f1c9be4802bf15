// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace gantry {

// A DCGAN with a bit of everything on 8x8 synthetic samples: a step takes a millisecond.
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

}  // namespace gantry
