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
      norm_{.size = store.size(), .max_norm = config.clip_norm},
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
  desc_.narrow = store.narrow_values().data != nullptr;
  norm_.scaled = store.narrow_values().dtype == DType::kF16;
  if (norm_.scaled) {
    loss_scale_ = Tensor(device, vector_shape(1), real);
    loss_counts_ = Tensor(device, vector_shape(3), DType::kI64);
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
  const TensorRef shown = metrics.slot(program, player + ".grad_norm");
  const TensorRef found = metrics.slot(program, player + ".nonfinite");
  const TensorRef scale = program.external(player + ".grad_scale", scale_.view());

  if (history_.weight > 0) {
    const TensorRef mean = program.external(player + ".historical_mean", mean_.view());
    program.call("historical_average", r.kernels.historical_average(history_), {}, {values, t},
                 {grads, mean});
  }
  const TensorRef norm = norm_.scaled ? r.wide("norm", shown.shape) : shown;
  TensorRefs normed{grads};
  if (norm_.scaled) normed.push_back(loss_scale(program, player));
  program.call("grad_norm", r.kernels.grad_norm(norm_), {norm, scale, found}, normed);
  if (clip_tensor_norm_ > 0) record_tensor_clips(r, store);
  program.call("schedule", r.kernels.schedule(schedule_), {lr}, {}, {t});
  TensorRefs changed = {values};
  for (size_t i = 0; i < states_.size(); ++i) {
    changed.push_back(program.external(concat(player, ".state", i), states_[i].view()));
  }
  if (has_ema()) changed.push_back(program.external(player + ".ema", ema_.view()));
  if (desc_.narrow)
    changed.push_back(program.external(player + ".narrow_parameters", store.narrow_values()));
  program.call("update", r.kernels.optimizer(desc_), {}, {grads, lr, t, scale, found}, changed);
  if (norm_.scaled) record_loss_scale(r, metrics, player, {shown, norm, found});
}

// norms: the one to be shown, the one found, and the number of elements that are not finite.
void Optimizer::record_loss_scale(Recorder& r, MetricSlots& metrics, const std::string& player,
                                  const TensorRefs& norms) const {
  Program& program = r.program;
  const TensorRef scale = metrics.slot(program, player + ".loss_scale");
  const TensorRef skipped = metrics.slot(program, player + ".skipped");
  program.call("loss_scale", r.kernels.loss_scale({.patience = kSkipsInARow}),
               {norms[0], scale, skipped}, {norms[1], norms[2]},
               {loss_scale(program, player),
                program.external(player + ".loss_scale_counts", loss_counts_.view())});
}

TensorRef Optimizer::loss_scale(Program& program, const std::string& player) const {
  if (!norm_.scaled) return {};
  return program.external(player + ".loss_scale", loss_scale_.view());
}

void Optimizer::record_tensor_clips(Recorder& r, const ParamStore& store) const {
  Program& program = r.program;
  const Shape one = vector_shape(1);
  for (const TensorRef& grad : store.grad_refs(program)) {
    const int64_t size = grad.shape.elements();
    const TensorRef norm = program.temp("tensor_norm", one, grad.dtype);
    const TensorRef scale = program.temp("tensor_scale", one, grad.dtype);
    const TensorRef found = program.temp("tensor_nonfinite", one, grad.dtype);
    program.call("tensor_norm", r.kernels.grad_norm({.size = size, .max_norm = clip_tensor_norm_}),
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

std::vector<Optimizer::State> Optimizer::loss_scale_states() const {
  if (!norm_.scaled) return {};
  return {{"loss_scale", loss_scale_.view()}, {"loss_scale_counts", loss_counts_.view()}};
}

void Optimizer::start(Device& device, Stream& stream, const ParamStore& store) {
  if (norm_.scaled) {
    const int64_t counts[3] = {};
    device.copy_to_device(stream, loss_scale_.view().data, &kFirstLossScale,
                          sizeof(kFirstLossScale));
    device.copy_to_device(stream, loss_counts_.view().data, counts, sizeof(counts));
    stream.synchronize();
  }
  if (!has_ema()) return;
  std::vector<char> host(ema_.bytes());
  device.copy_to_host(stream, host.data(), store.values().data, host.size());
  stream.synchronize();
  device.copy_to_device(stream, ema_.view().data, host.data(), host.size());
  stream.synchronize();
}

}  // namespace gantry
