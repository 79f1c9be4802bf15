// SPDX-License-Identifier: Apache-2.0
#include "models/layers/dropout.h"

namespace gantry {

void Dropout::describe(Fields& f) {
  f.real({"rate", "Probability that an element is dropped; the others are divided by 1 - rate."},
         rate_, {.min = 0, .max = 1, .open_max = true});
}

void Dropout::record_mask(Recorder& recorder, const LayerPass& pass, const char* name,
                          const TensorRef& y, const TensorRef& x) const {
  int64_t at = 0;
  uint32_t id = pass.random_id;
  for (const auto& [count, first] : pass.sample_groups) {
    DropoutDesc desc;
    desc.x = x.shape.with_n(count);
    desc.rate = static_cast<float>(rate_);
    desc.key = random_key(recorder.seed, Purpose::kDropout, id++);
    desc.first_sample = first;
    recorder.program.call(name, recorder.kernels.dropout(desc), {y.samples(at, count)},
                          {x.samples(at, count), recorder.step});
    at += count;
  }
}

TensorRef Dropout::forward(Recorder& recorder, LayerPass& pass) const {
  if (off(pass)) return pass.x[0];
  const TensorRef y = recorder.temp("y", pass.x[0].shape);
  record_mask(recorder, pass, "forward", y, pass.x[0]);
  return y;
}

TensorRefs Dropout::backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                             const GradTarget&, const BackwardRequest& request) const {
  if (!request.want_dx[0]) return {TensorRef{}};
  if (off(pass)) return {dy};
  const TensorRef dx = request.keep_dy ? recorder.temp("dx", dy.shape) : dy;
  record_mask(recorder, pass, "backward", dx, dy);
  return {dx};
}

Tangent Dropout::double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef&,
                                 const TensorRefs& ux, const GradTarget&) const {
  if (off(pass)) return {ux[0], {TensorRef{}}};
  const TensorRef uy = recorder.temp("uy", ux[0].shape);
  record_mask(recorder, pass, "tangent", uy, ux[0]);
  return {uy, {TensorRef{}}};
}

}  // namespace gantry
