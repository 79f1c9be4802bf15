// SPDX-License-Identifier: Apache-2.0
#include "train/optimizer.h"

namespace gantry {
namespace {

OptimizerDesc rule_of(const OptimizerConfig& config, int64_t size) {
  using Type = OptimizerConfig::Type;
  OptimizerDesc desc;
  desc.kind = config.type == Type::kSgd       ? OptimizerDesc::Kind::kSgd
              : config.type == Type::kRmsprop ? OptimizerDesc::Kind::kRmsprop
                                              : OptimizerDesc::Kind::kAdam;
  desc.variant = config.variant;
  desc.size = size;
  desc.beta1 = config.beta1;
  desc.beta2 = config.beta2;
  desc.eps = config.eps;
  desc.rho = config.rho;
  desc.centered = config.centered;
  desc.momentum = config.momentum;
  desc.dampening = config.dampening;
  desc.nesterov = config.nesterov;
  desc.weight_decay = config.weight_decay;
  desc.decoupled = config.type == Type::kAdamW;
  desc.clip_value = config.clip_value;
  desc.weight_clip = config.weight_clip;
  return desc;
}

ScheduleDesc schedule_of(const OptimizerConfig& config) {
  const ScheduleConfig& schedule = config.schedule;
  return {.kind = schedule.kind,
          .lr = config.lr,
          .decay = schedule.decay,
          .every = schedule.every,
          .from = schedule.from,
          .until = schedule.until,
          .floor = schedule.floor,
          .warmup = schedule.warmup};
}

}  // namespace

Optimizer::Optimizer(Device& device, DType real, const ParamStore& store,
                     const OptimizerConfig& config, const EmaConfig* ema)
    : desc_(rule_of(config, store.size())),
      norm_{.size = store.size(), .max_norm = config.clip_norm, .unscale = 1},
      schedule_(schedule_of(config)),
      history_{.size = store.size(), .weight = config.historical_average},
      clip_tensor_norm_(config.clip_tensor_norm),
      t_(device, vector_shape(1), DType::kI64),
      lr_(device, vector_shape(1), real),
      scale_(device, vector_shape(1), real) {
  if (ema) {
    desc_.ema_decay = ema->decay;
    desc_.ema_start = ema->start;
    ema_ = Tensor(device, vector_shape(store.size()), real);
  }
  if (history_.weight > 0) mean_ = Tensor(device, vector_shape(store.size()), real);
  for (int i = 0; i < optimizer_states(desc_); ++i) {
    states_.emplace_back(device, vector_shape(store.size()), real);
  }
}

void Optimizer::record(Recorder& r, const ParamStore& store, MetricSlots& metrics,
                       const std::string& player) const {
  Program& program = r.program;
  const Program::Scope scope(program, "optimizer");
  const TensorRef values = program.external(player + ".values", store.values());
  const TensorRef grads = program.external(player + ".grads", store.grads());
  const TensorRef t = program.external(player + ".updates", t_.view());
  const TensorRef lr = metrics.slot(program, player + ".lr");
  const TensorRef norm = metrics.slot(program, player + ".grad_norm");
  const TensorRef found = metrics.slot(program, player + ".nonfinite");
  const TensorRef scale = program.external(player + ".grad_scale", scale_.view());

  if (history_.weight > 0) {
    const TensorRef mean = program.external(player + ".historical_mean", mean_.view());
    program.call("historical_average", r.kernels.historical_average(history_), {}, {values, t},
                 {grads, mean});
  }
  program.call("grad_norm", r.kernels.grad_norm(norm_), {norm, scale, found}, {grads});
  if (clip_tensor_norm_ > 0) record_tensor_clips(r, store);
  program.call("schedule", r.kernels.schedule(schedule_), {lr}, {}, {t});
  TensorRefs changed = {values};
  for (size_t i = 0; i < states_.size(); ++i) {
    changed.push_back(program.external(concat(player, ".state", i), states_[i].view()));
  }
  if (has_ema()) changed.push_back(program.external(player + ".ema", ema_.view()));
  program.call("update", r.kernels.optimizer(desc_), {}, {grads, lr, t, scale, found}, changed);
}

void Optimizer::record_tensor_clips(Recorder& r, const ParamStore& store) const {
  Program& program = r.program;
  const Shape one = vector_shape(1);
  for (const TensorRef& grad : store.grad_refs(program)) {
    const int64_t size = grad.shape.elements();
    const TensorRef norm = program.temp("tensor_norm", one, grad.dtype);
    const TensorRef scale = program.temp("tensor_scale", one, grad.dtype);
    const TensorRef found = program.temp("tensor_nonfinite", one, grad.dtype);
    program.call("tensor_norm",
                 r.kernels.grad_norm({.size = size, .max_norm = clip_tensor_norm_, .unscale = 1}),
                 {norm, scale, found}, {grad});
    program.call("tensor_clip", r.kernels.sample_dot({{1, size, 1, 1}}, DotPass::kBackward), {},
                 {scale, grad}, {grad});
  }
}

std::vector<Optimizer::State> Optimizer::states() const {
  static constexpr const char* kNames[3][3] = {
      {"momentum", "", ""}, {"adam_m", "adam_v", ""}, {"mean_square", "mean", "momentum"}};
  std::vector<State> named;
  for (size_t i = 0; i < states_.size(); ++i) {
    // RMSprop without the centred mean goes from the mean square to the momentum.
    const size_t skip =
        desc_.kind == OptimizerDesc::Kind::kRmsprop && !desc_.centered && i > 0 ? 1 : 0;
    named.push_back({kNames[static_cast<size_t>(desc_.kind)][i + skip], states_[i].view()});
  }
  if (history_.weight > 0) named.push_back({"historical_mean", mean_.view()});
  return named;
}

void Optimizer::start_ema(Device& device, Stream& stream, const ParamStore& store) {
  if (!has_ema()) return;
  std::vector<char> host(ema_.bytes());
  device.copy_to_host(stream, host.data(), store.values().data, host.size());
  stream.synchronize();
  device.copy_to_device(stream, ema_.view().data, host.data(), host.size());
  stream.synchronize();
}

}  // namespace gantry
