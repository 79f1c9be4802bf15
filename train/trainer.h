// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/log.h"
#include "core/progress.h"
#include "train/held_out.h"
#include "train/metrics_log.h"
#include "train/picture.h"
#include "train/run_dir.h"
#include "train/sampler.h"
#include "train/session.h"
#include "train/stop_request.h"
#include "train/tensorboard.h"

namespace gantry {

// Runs a session to its last step inside a run directory: logs, samples, saves, stops on request.
class Trainer {
 public:
  // `session` is initialised or restored, `run` owned by this process.
  Trainer(Session& session, RunDir& run, Log& log);

  // kDone, or kPreempted after saving when a stop was requested. Throws NumericError naming the
  // first non-finite tensor, with the last good checkpoint kept; IoError; DataError.
  ExitCode train(const StopRequest& stop);

 private:
  void require_space() const;
  int64_t steps_to_next_look() const;
  void after_step(int64_t step);
  void check_finite();
  void evaluate(int64_t step);
  void log_metrics(int64_t step);
  void sample(int64_t step);
  void save(int64_t step);
  void finish(RunState state, ExitCode code, const std::string& message);

  Session& session_;
  RunDir& run_;
  Log& log_;
  const RunConfig& config_;
  int64_t interval_start_;  // step after which the current logging interval began
  CheckpointStore checkpoints_;
  MetricsLog metrics_log_;
  std::optional<TensorBoardWriter> tensorboard_;
  Progress progress_;
  std::optional<Sampler> sampler_;   // where there is a generator
  std::optional<HeldOut> held_out_;  // where there is a classifier, and what it is measured on
  Picture picture_;
  std::vector<float> grid_latents_;
  std::map<std::string, double> last_metrics_, evaluated_;
  double waited_s_ = 0;
  double interval_clock_ = 0;
  double start_clock_ = 0;
  int64_t saved_step_ = -1;
};

}  // namespace gantry
