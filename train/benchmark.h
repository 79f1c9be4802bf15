// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/session.h"

namespace gantry {

struct BenchmarkResult {
  int64_t steps = 0;
  double median_s = 0, min_s = 0, max_s = 0;  // per step
  double data_wait_s = 0;                     // per step, mean
  double images_per_s = 0;                    // real samples, at the median
  double flops_per_step = 0;                  // as recorded, 2 per multiply-add
  double peak_flops_per_s = 0;                // see measure_limits
  double first_step_s = 0;                    // from process start to the end of the first step
  size_t peak_resident_bytes = 0;
  size_t arena_bytes = 0, kept_bytes = 0;
  size_t device_bytes = 0;  // taken of the device's own memory by all that runs on it; 0 on a CPU
};

struct BenchmarkPlan {
  int64_t warmup = 3, steps = 20;
  int64_t sync_every = 1;  // steps between waits for the device; each such round is one time
};

// Times steps after the untimed ones; at least one round.
BenchmarkResult run_benchmark(Session& session, const BenchmarkPlan& plan);

}  // namespace gantry
