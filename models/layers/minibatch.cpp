// SPDX-License-Identifier: Apache-2.0
#include "models/layers/minibatch.h"

#include "models/layers/window.h"
#include "models/shared_batch.h"

namespace gantry {

void MinibatchDiscrimination::describe(Fields& f) {
  f.integer({"features", "B, the numbers added to each sample: how near the others are to it."},
            features_, {1, kMaxChannels});
  f.integer({"dimensions", "C, the dimensions in which each of them measures distance."},
            dimensions_, {1, kMaxChannels});
}

LayerPlan MinibatchDiscrimination::plan(std::span<const Shape> x) {
  if (x[0].pixels() != 1) {
    throw ConfigError(concat("minibatch_discrimination reads features [C,1,1], not an image ",
                             config_shape(x[0]), "; put {\"type\": \"flatten\"} before it"));
  }
  in_ = x[0].c;
  const Shape weight{rows(), in_, 1, 1};
  Initializer init;
  init.kind = Initializer::Kind::kPyTorch;
  return {{1, in_ + features_, 1, 1}, {{"weight", weight, fans_of(weight), init, false}}, {}};
}

MinibatchDesc MinibatchDiscrimination::desc_for(const Recorder& recorder,
                                                const LayerPass& pass) const {
  return {.n = pass.saved[0].shape.n,
          .features = features_,
          .dimensions = dimensions_,
          .groups = pass.batch_groups,
          .parts = ranks_sharing(recorder),
          .part = recorder.sharing ? recorder.sharing->rank() : 0};
}

TensorRef MinibatchDiscrimination::project(Recorder& recorder, const char* name, const TensorRef& x,
                                           const TensorRef& weight) const {
  const int64_t n = x.shape.n;
  const TensorRef m = recorder.temp(name, {n, rows(), 1, 1});
  recorder.program.call(name, recorder.kernels.dense(projection(n), DensePass::kForward), {m},
                        {x, weight});
  return m;
}

TensorRef MinibatchDiscrimination::join(Recorder& recorder, const char* name, const TensorRef& x,
                                        const TensorRef& o) const {
  const TensorRef y = recorder.temp(name, {x.shape.n, in_ + features_, 1, 1});
  recorder.program.call("join",
                        recorder.kernels.channel_concat({{x.shape, o.shape}}, LinearPass::kForward),
                        {y}, {x, o});
  return y;
}

TensorRefs MinibatchDiscrimination::split(Recorder& recorder, const TensorRef& dy) const {
  const int64_t n = dy.shape.n;
  const TensorRef dx = recorder.temp("dx", {n, in_, 1, 1});
  const TensorRef d_o = recorder.temp("do", {n, features_, 1, 1});
  recorder.program.call(
      "split", recorder.kernels.channel_concat({{dx.shape, d_o.shape}}, LinearPass::kBackward),
      {dx, d_o}, {dy});
  return {dx, d_o};
}

void MinibatchDiscrimination::add_weights(Recorder& recorder, const TensorRef& x,
                                          const TensorRef& dm, const TensorRef& dw,
                                          bool accumulate) const {
  DenseDesc desc = projection(x.shape.n);
  desc.accumulate = accumulate;
  const TensorRefs none;
  recorder.program.call(
      "backward_weights", recorder.kernels.dense(desc, DensePass::kBackwardWeights),
      accumulate ? none : TensorRefs{dw}, {x, dm}, accumulate ? TensorRefs{dw} : none);
}

TensorRef MinibatchDiscrimination::data(Recorder& recorder, const TensorRef& dm,
                                        const TensorRef& weight) const {
  const int64_t n = dm.shape.n;
  const TensorRef dx = recorder.temp("dx_near", {n, in_, 1, 1});
  recorder.program.call("backward_data",
                        recorder.kernels.dense(projection(n), DensePass::kBackwardData), {dx},
                        {dm, weight});
  return dx;
}

TensorRef MinibatchDiscrimination::forward(Recorder& recorder, LayerPass& pass) const {
  const TensorRef& x = pass.x[0];
  const TensorRef m = project(recorder, "project", x, pass.params[0]);
  pass.saved = {of_all_ranks(recorder, "m", m, pass.batch_groups)};
  const TensorRef o = recorder.temp("o", {x.shape.n, features_, 1, 1});
  recorder.program.call(
      "forward", recorder.kernels.minibatch(desc_for(recorder, pass), MinibatchPass::kForward), {o},
      pass.saved);
  return join(recorder, "y", x, o);
}

// The deltas of all ranks: a sample's row takes part in the sums of all others.
TensorRefs MinibatchDiscrimination::backward(Recorder& recorder, const LayerPass& pass,
                                             const TensorRef& dy, const GradTarget& target,
                                             const BackwardRequest& request) const {
  const TensorRefs parts = split(recorder, dy);
  const TensorRef dm = recorder.temp("dm", {dy.shape.n, rows(), 1, 1});
  const TensorRef d_o = of_all_ranks(recorder, "do", parts[1], pass.batch_groups);
  recorder.program.call(
      "backward", recorder.kernels.minibatch(desc_for(recorder, pass), MinibatchPass::kBackward),
      {dm}, {pass.saved[0], d_o});
  if (target) add_weights(recorder, pass.x[0], dm, target.grads[0], target.accumulate);
  if (!request.want_dx[0]) return {TensorRef{}};
  const SumDesc add{parts[0].shape, {1}, true};
  recorder.program.call("add", recorder.kernels.sum(add), {}, {data(recorder, dm, pass.params[0])},
                        {parts[0]});
  return {parts[0]};
}

// B = dy_x ux + do J(m) um, um = ux T: by T through um (the gradient dm of do at m) and through
// m = x T (hm).
Tangent MinibatchDiscrimination::double_backward(Recorder& recorder, const LayerPass& pass,
                                                 const TensorRef& dy, const TensorRefs& ux,
                                                 const GradTarget& target) const {
  const MinibatchDesc desc = desc_for(recorder, pass);
  const TensorRef own = split(recorder, dy)[1];
  const TensorRef& m = pass.saved[0];
  const TensorRef own_um = project(recorder, "um", ux[0], pass.params[0]);
  const TensorRef d_o = of_all_ranks(recorder, "do", own, pass.batch_groups);
  const TensorRef um = of_all_ranks(recorder, "um", own_um, pass.batch_groups);
  const TensorRef dm = recorder.temp("dm", own_um.shape), hm = recorder.temp("hm", own_um.shape);
  const TensorRef uo = recorder.temp("uo", own.shape);
  recorder.program.call("backward", recorder.kernels.minibatch(desc, MinibatchPass::kBackward),
                        {dm}, {m, d_o});
  recorder.program.call("tangent", recorder.kernels.minibatch(desc, MinibatchPass::kDoubleBackward),
                        {uo, hm}, {m, d_o, um});
  add_weights(recorder, ux[0], dm, target.grads[0], true);
  add_weights(recorder, pass.x[0], hm, target.grads[0], true);
  return {join(recorder, "uy", ux[0], uo), {data(recorder, hm, pass.params[0])}};
}

}  // namespace gantry
