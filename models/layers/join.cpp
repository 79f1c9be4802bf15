// SPDX-License-Identifier: Apache-2.0
#include "models/layers/join.h"

#include "models/layers/window.h"

namespace gantry {

namespace {

ConcatDesc concat_desc(const TensorRefs& x) {
  ConcatDesc desc;
  for (const TensorRef& ref : x) desc.x.push_back(ref.shape);
  return desc;
}

// dy b, sample by sample.
TensorRef scaled(Recorder& recorder, const char* call, const TensorRef& dy, const TensorRef& b) {
  const TensorRef result = recorder.temp("scaled", b.shape);
  recorder.program.call(call, recorder.kernels.sample_dot({b.shape}, DotPass::kBackward), {result},
                        {dy, b});
  return result;
}

}  // namespace

LayerPlan Concat::plan(std::span<const Shape> x) {
  Shape y = x[0];
  y.c = 0;
  for (const Shape& shape : x) {
    if (shape.h != x[0].h || shape.w != x[0].w) {
      throw ConfigError(concat("cannot put the channels of ", config_shape(x[0]), " and ",
                               config_shape(shape), " together: heights and widths must agree"));
    }
    y.c += shape.c;
  }
  return {y, {}, {}};
}

TensorRef Concat::record(Recorder& recorder, const char* call, const char* name,
                         const TensorRefs& x) const {
  Shape shape = x[0].shape;
  shape.c = 0;
  for (const TensorRef& ref : x) shape.c += ref.shape.c;
  const TensorRef y = recorder.temp(name, shape);
  recorder.program.call(call, recorder.kernels.channel_concat(concat_desc(x), LinearPass::kForward),
                        {y}, x);
  return y;
}

TensorRef Concat::forward(Recorder& recorder, LayerPass& pass) const {
  return record(recorder, "forward", "y", pass.x);
}

TensorRefs Concat::backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                            const GradTarget&, const BackwardRequest&) const {
  TensorRefs dx;
  for (const TensorRef& x : pass.x) dx.push_back(recorder.temp("dx", x.shape));
  recorder.program.call("backward",
                        recorder.kernels.channel_concat(concat_desc(pass.x), LinearPass::kBackward),
                        dx, {dy});
  return dx;
}

Tangent Concat::double_backward(Recorder& recorder, const LayerPass&, const TensorRef&,
                                const TensorRefs& ux, const GradTarget&) const {
  return {record(recorder, "tangent", "uy", ux), TensorRefs(ux.size())};
}

LayerPlan Add::plan(std::span<const Shape> x) {
  for (const Shape& shape : x) {
    if (shape == x[0]) continue;
    throw ConfigError(concat("cannot add ", config_shape(x[0]), " and ", config_shape(shape),
                             ": all inputs must have one shape"));
  }
  return {x[0], {}, {}};
}

TensorRef Add::record(Recorder& recorder, const char* call, const char* name,
                      const TensorRefs& x) const {
  const TensorRef y = recorder.temp(name, x[0].shape);
  const SumDesc desc{y.shape, std::vector<float>(x.size(), 1.0f), false};
  recorder.program.call(call, recorder.kernels.sum(desc), {y}, x);
  return y;
}

TensorRef Add::forward(Recorder& recorder, LayerPass& pass) const {
  return record(recorder, "forward", "y", pass.x);
}

TensorRefs Add::backward(Recorder&, const LayerPass& pass, const TensorRef& dy, const GradTarget&,
                         const BackwardRequest&) const {
  return TensorRefs(pass.x.size(), dy);
}

Tangent Add::double_backward(Recorder& recorder, const LayerPass&, const TensorRef&,
                             const TensorRefs& ux, const GradTarget&) const {
  return {record(recorder, "tangent", "uy", ux), TensorRefs(ux.size())};
}

LayerPlan Dot::plan(std::span<const Shape> x) {
  if (x[0] != x[1]) {
    throw ConfigError(concat("cannot multiply ", config_shape(x[0]), " by ", config_shape(x[1]),
                             ": both inputs must have one shape"));
  }
  return {{1, 1, 1, 1}, {}, {}};
}

TensorRef Dot::forward(Recorder& recorder, LayerPass& pass) const {
  const Shape& x = pass.x[0].shape;
  const TensorRef y = recorder.temp("y", {x.n, 1, 1, 1});
  recorder.program.call("forward", recorder.kernels.sample_dot({x}, DotPass::kForward), {y},
                        {pass.x[0], pass.x[1]});
  return y;
}

TensorRefs Dot::backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                         const GradTarget&, const BackwardRequest& request) const {
  TensorRefs dx(2);
  for (size_t i = 0; i < 2; ++i) {
    if (!request.want_dx[i]) continue;
    dx[i] = scaled(recorder, "backward", dy, pass.x[1 - i]);
  }
  return dx;
}

// B = dy (ua b + a ub).
Tangent Dot::double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                             const TensorRefs& ux, const GradTarget&) const {
  const Shape& x = pass.x[0].shape;
  const TensorRef uy = recorder.temp("uy", dy.shape);
  recorder.program.call("tangent", recorder.kernels.sample_dot({x}, DotPass::kForward), {uy},
                        {ux[0], pass.x[1]});
  recorder.program.call("tangent", recorder.kernels.sample_dot({x, true}, DotPass::kForward), {},
                        {pass.x[0], ux[1]}, {uy});
  return {uy, {scaled(recorder, "tangent", dy, ux[1]), scaled(recorder, "tangent", dy, ux[0])}};
}

}  // namespace gantry
