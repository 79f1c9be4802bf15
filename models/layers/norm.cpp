// SPDX-License-Identifier: Apache-2.0
#include "models/layers/norm.h"

#include "models/layers/window.h"
#include "models/shared_batch.h"

namespace gantry {

void Norm::describe_common(Fields& f) {
  f.real({"eps", "Added to the variance."}, eps_, {.min = 0, .max = 1, .open_min = true});
  f.flag({"affine", "Learn a scale and a shift per channel."}, affine_);
}

bool Norm::absorb(const Activation& activation) {
  if (desc_.activation.kind != ActivationKind::kIdentity || !piecewise_linear(activation.kind)) {
    return false;
  }
  desc_.activation = activation;
  return true;
}

LayerPlan Norm::plan(std::span<const Shape> x) {
  desc_.x = x[0];
  desc_.eps = static_cast<float>(eps_);
  const Shape shape = vector_shape(x[0].c);
  LayerPlan plan{x[0], {}, {}};
  if (affine_) {
    Initializer ones, zeros;
    ones.kind = Initializer::Kind::kOnes;
    plan.params = {{"scale", shape, {}, ones, false}, {"shift", shape, {}, zeros, false}};
  } else {
    plan.states = {{"scale", shape, 1}, {"shift", shape, 0}};
  }
  return plan;
}

NormDesc Norm::desc_for(const LayerPass& pass) const {
  NormDesc desc = desc_;
  desc.x.n = pass.x[0].shape.n;
  desc.batch_groups = desc.kind == NormKind::kBatch ? pass.batch_groups : 1;
  desc.track = desc.kind == NormKind::kBatch && pass.track;
  return desc;
}

TensorRefs Norm::affine(const LayerPass& pass) const {
  const TensorRefs& from = affine_ ? pass.params : pass.states;
  return {from[0], from[1]};
}

TensorRefs Norm::inputs(const LayerPass& pass, TensorRefs first) const {
  const TensorRefs scale_shift = affine(pass);
  first.insert(first.end(), scale_shift.begin(), scale_shift.end());
  first.insert(first.end(), pass.saved.begin(), pass.saved.end());
  return first;
}

KernelPtr Norm::kernel_of(Recorder& recorder, NormDesc desc, NormPass pass,
                          TensorRefs& inputs) const {
  if (desc.kind != NormKind::kBatch || !recorder.sharing || !recorder.sync_batch_norm) {
    return recorder.kernels.norm(desc, pass);
  }
  Program& program = recorder.program;
  desc.ranks = recorder.sharing->size();
  desc.stage = NormStage::kMeans;
  const TensorRef means = program.temp("means", norm_means_shape(desc, pass), DType::kF64);
  program.call("means", recorder.kernels.norm(desc, pass), {means}, inputs);
  average_over_ranks(recorder, means, "statistics");
  desc.stage = NormStage::kRest;
  inputs.push_back(means);
  return recorder.kernels.norm(desc, pass);
}

TensorRef Norm::forward(Recorder& recorder, LayerPass& pass) const {
  const NormDesc desc = desc_for(pass);
  const TensorRef y = recorder.temp("y", desc.x);
  const TensorRefs scale_shift = affine(pass);
  TensorRefs args{pass.x[0], scale_shift[0], scale_shift[1]};
  TensorRefs running;
  if (desc.kind == NormKind::kBatch) running.assign(pass.states.end() - 2, pass.states.end());
  if (desc.kind == NormKind::kBatch && pass.mode == Mode::kInference) {
    args.insert(args.end(), running.begin(), running.end());
    recorder.program.call("inference", recorder.kernels.norm(desc, NormPass::kInference), {y},
                          args);
    return y;
  }
  const Shape stats = norm_stats_shape(desc);
  pass.saved = {recorder.wide("mean", stats), recorder.wide("rstd", stats)};
  const KernelPtr kernel = kernel_of(recorder, desc, NormPass::kForward, args);
  recorder.program.call("forward", kernel, {y, pass.saved[0], pass.saved[1]}, args,
                        desc.track ? running : TensorRefs{});
  return y;
}

TensorRefs Norm::backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                          const GradTarget& target, const BackwardRequest& request) const {
  GANTRY_CHECK(!pass.saved.empty(), pass.name, ": backward of an inference pass");
  NormDesc desc = desc_for(pass);
  const TensorRef dx = request.keep_dy ? recorder.temp("dx", dy.shape) : dy;
  TensorRefs args = inputs(pass, {pass.x[0], dy});
  if (!target || !affine_) {
    const KernelPtr kernel = kernel_of(recorder, desc, NormPass::kBackwardData, args);
    recorder.program.call("backward_data", kernel, {dx}, args);
    return {dx};
  }
  desc.accumulate = target.accumulate;
  const KernelPtr kernel = kernel_of(recorder, desc, NormPass::kBackward, args);
  if (target.accumulate) {
    recorder.program.call("backward", kernel, {dx}, args, target.grads);
  } else {
    recorder.program.call("backward", kernel, {dx, target.grads[0], target.grads[1]}, args);
  }
  return {dx};
}

Tangent Norm::double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                              const TensorRefs& ux, const GradTarget& target) const {
  const NormDesc desc = desc_for(pass);
  const TensorRef uy = recorder.temp("uy", dy.shape), hx = recorder.temp("hx", dy.shape);
  TensorRef dscale;
  if (affine_) {
    dscale = target.grads[0];
  } else {
    dscale = recorder.wide("dscale", vector_shape(desc.x.c));
    recorder.program.call("clear", recorder.kernels.sum({dscale.shape, {}, false}), {dscale}, {});
  }
  TensorRefs args = inputs(pass, {pass.x[0], dy, ux[0]});
  const KernelPtr kernel = kernel_of(recorder, desc, NormPass::kDoubleBackward, args);
  recorder.program.call("tangent", kernel, {uy, hx}, args, {dscale});
  return {uy, {hx}};
}

void BatchNorm::describe(Fields& f) {
  f.real({"momentum", "Weight of the new batch in the running statistics (1 - Keras's momentum)."},
         momentum_, {.min = 0, .max = 1});
  f.flag({"unbiased", "Running variance divides by m - 1 (PyTorch), not by m (Keras)."}, unbiased_);
  describe_common(f);
}

LayerPlan BatchNorm::plan(std::span<const Shape> x) {
  LayerPlan plan = Norm::plan(x);
  desc_.momentum = static_cast<float>(momentum_);
  desc_.unbiased = unbiased_;
  plan.states.push_back({"running_mean", vector_shape(x[0].c), 0});
  plan.states.push_back({"running_var", vector_shape(x[0].c), 1});
  return plan;
}

LayerPlan InstanceNorm::plan(std::span<const Shape> x) {
  if (x[0].pixels() == 1) {
    throw ConfigError(
        concat("instance_norm of ", config_shape(x[0]),
               " would make every value zero: a channel has one pixel; use layer_norm "
               "or batch_norm"));
  }
  return Norm::plan(x);
}

void GroupNorm::describe(Fields& f) {
  f.integer({"groups", "Equal parts of the channels, each normalised by itself.", true}, groups_,
            {1, kMaxChannels});
  describe_common(f);
}

LayerPlan GroupNorm::plan(std::span<const Shape> x) {
  if (x[0].c % groups_ != 0) {
    throw ConfigError(concat("groups ", groups_, " must divide the ", x[0].c, " channels of ",
                             config_shape(x[0])));
  }
  if (x[0].per_sample() == groups_) {
    throw ConfigError(concat("groups ", groups_, " of ", config_shape(x[0]),
                             " have one value each, which would become zero; use fewer groups"));
  }
  desc_.channel_groups = groups_;
  return Norm::plan(x);
}

}  // namespace gantry
