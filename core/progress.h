// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/log.h"

namespace gantry {

// Tells how a long job goes: a live line on a terminal (4 times a second at most), otherwise a
// message each `period_s`.
//   [=======>      ]  1250/2000  g_loss 1.203  d_loss 0.642  1630 images/s  0:29 left
class Progress {
 public:
  using Values = std::vector<std::pair<std::string, double>>;
  using Clock = std::function<double()>;  // seconds, never going back
  static double steady_seconds();

  // Steps first..total; `items` is what one step handles, named `unit` ("images").
  struct Job {
    uint64_t first = 0, total = 0;
    double items = 1;
    std::string unit = "images";
    double period_s = 10;
  };
  Progress(Log& log, Job job, Clock clock = steady_seconds);
  ~Progress();  // removes the live line

  // After step `step` (counted from 1). Cheap when there is nothing to show yet.
  void update(uint64_t step);
  // What the line shows from now on; losses come only once per logging interval.
  void set_values(Values values) { values_ = std::move(values); }
  // Leaves time out of the rate: a checkpoint, a sample, an evaluation.
  void pause();
  void resume();

  double items_per_second() const;  // over all steps so far, pauses left out
  std::string line(uint64_t step) const;

 private:
  double elapsed() const;

  Log& log_;
  Job job_;
  Clock clock_;
  Values values_;
  double start_ = 0, paused_ = 0, pause_start_ = -1, last_shown_ = 0;
  uint64_t step_ = 0;
};

std::string format_duration(double seconds);  // "0:29", "1:02:03", "2 d 03:04"

}  // namespace gantry
