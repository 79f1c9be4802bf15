// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "train/session.h"

namespace gantry {

struct BenchmarkResult {
  int64_t steps = 0;
  double median_s = 0, min_s = 0, max_s = 0;  // per step
  double data_wait_s = 0;                     // per step, mean
  double images_per_s = 0;                    // real samples, at the median
  double flops_per_step = 0;                  // as recorded, 2 per multiply-add
  double peak_flops_per_s = 0;                // see measure_peak
  double first_step_s = 0;                    // from process start to the end of the first step
  size_t peak_resident_bytes = 0;
  size_t arena_bytes = 0, kept_bytes = 0;
};

// Times `steps` steps after `warmup` untimed ones.
BenchmarkResult run_benchmark(Session& session, int64_t warmup, int64_t steps);

// Best of several runs of a large matrix multiplication on this backend, FLOP/s: what the share of
// the peak in a report refers to.
double measure_peak(Backend& backend, Stream& stream);

struct CallCost {
  std::string name;
  int64_t calls = 0;
  double seconds = 0, flops = 0, bytes = 0;  // per step
};

// Time, FLOPs and bytes of a step by call, longest first; `steps` steps with a wait after each
// call.
std::vector<CallCost> time_calls(Session& session, int64_t steps);

}  // namespace gantry
