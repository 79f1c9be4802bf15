// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "models/param_store.h"
#include "train/config.h"
#include "train/metric_slots.h"

namespace gantry {

// Updates one network: norm and finite check of its flat gradient, clipping tensor by tensor where
// the config asks for it (factor min(1, c / (norm + 1e-6)) each), learning-rate schedule, then
// the rule of kernels/ops/optimizer.h in one pass over the flat buffers, EMA and narrow copy
// included. Everything that changes from step to step (t, lr, the rule's states, the scale of the
// loss) lives in device memory.
class Optimizer {
 public:
  // `ema`: null for none. A store with a copy in f16 has its loss scaled.
  Optimizer(Device& device, DType real, const ParamStore& store, const OptimizerConfig& config,
            const EmaConfig* ema);

  // Records one update from the store's gradients. Metrics: <player>.grad_norm (before any
  // clipping), <player>.lr,
  // <player>.nonfinite (non-finite gradient elements; the update is then left out), and where the
  // loss is scaled <player>.loss_scale and <player>.skipped (updates left out so far; grad_norm is
  // 0 after such a one, and NaN after kSkipsInARow of them).
  void record(Recorder& recorder, const ParamStore& store, MetricSlots& metrics,
              const std::string& player) const;

  struct State {
    std::string name;  // "adam_m"
    TensorView view;   // flat, the layout of the store's values
  };
  std::vector<State> states() const;  // of the rule, and "historical_mean"
  // By what the losses of this network's updates are multiplied; empty: by nothing.
  TensorRef loss_scale(Program& program, const std::string& player) const;
  // "loss_scale" and "loss_scale_counts", of one and three numbers; empty without.
  std::vector<State> loss_scale_states() const;
  TensorView updates() const { return t_.view(); }  // i64, 1: updates made so far
  bool has_ema() const { return desc_.ema_decay >= 0; }
  TensorView ema() const { return ema_.view(); }
  // The EMA starts as the initial weights, the scale of the loss as kFirstLossScale.
  void start(Device& device, Stream& stream, const ParamStore& store);

  static constexpr float kFirstLossScale = 65536;
  static constexpr int64_t kSkipsInARow = 20;

 private:
  void record_loss_scale(Recorder& recorder, MetricSlots& metrics, const std::string& player,
                         const TensorRefs& norms) const;
  void record_tensor_clips(Recorder& recorder, const ParamStore& store) const;

  OptimizerDesc desc_;
  GradNormDesc norm_;
  ScheduleDesc schedule_;
  HistoricalAverageDesc history_;
  double clip_tensor_norm_;
  std::vector<Tensor> states_;
  Tensor t_, lr_, scale_, ema_, mean_;  // mean_: of past parameters, with historical averaging
  Tensor loss_scale_, loss_counts_;     // of LossScaleDesc, where the loss is scaled
};

}  // namespace gantry
