// SPDX-License-Identifier: Apache-2.0
#include "models/narrowing.h"

namespace gantry {

namespace {

TensorRef record(Recorder& recorder, const TensorRef& x, DType to, CastDesc::Scale scale) {
  const bool scaled = scale != CastDesc::Scale::kNone;
  if (!scaled && x.dtype == to) return x;
  const TensorRef y = recorder.program.temp("cast", x.shape, to);
  TensorRefs inputs{x};
  if (scaled) inputs.push_back(recorder.loss_scale);
  recorder.program.call("cast", recorder.kernels.cast({x.shape.elements(), scale}), {y}, inputs);
  return y;
}

}  // namespace

Recorder recorder_for(const Recorder& recorder, const Layer& layer) {
  const bool narrow = recorder.narrow && layer.can_be_narrow();
  return {.program = recorder.program,
          .kernels = narrow ? *recorder.narrow : recorder.kernels,
          .step = recorder.step,
          .seed = recorder.seed,
          .first_sample = recorder.first_sample,
          .sharing = recorder.sharing,
          .sync_batch_norm = recorder.sync_batch_norm,
          .narrow = recorder.narrow,
          .loss_scale = recorder.loss_scale};
}

TensorRef record_cast(Recorder& recorder, const TensorRef& x, DType to) {
  return record(recorder, x, to, CastDesc::Scale::kNone);
}

TensorRef record_scaled_in(Recorder& recorder, const TensorRef& delta, DType to) {
  const bool scaled{recorder.loss_scale};
  return record(recorder, delta, to, scaled ? CastDesc::Scale::kTimes : CastDesc::Scale::kNone);
}

TensorRef record_scaled_out(Recorder& recorder, const TensorRef& delta) {
  const bool scaled{recorder.loss_scale};
  return record(recorder, delta, recorder.kernels.real(),
                scaled ? CastDesc::Scale::kOver : CastDesc::Scale::kNone);
}

TensorRef Casts::cast(const TensorRef& x, DType to) {
  if (x.dtype == to) return x;
  for (const auto& [from, made] : made_) {
    if (from == x && made.dtype == to) return made;
  }
  made_.emplace_back(x, record_cast(recorder_, x, to));
  return made_.back().second;
}

bool is_weight(std::string_view parameter) {
  return parameter == "weight" || parameter.ends_with(".weight");
}

}  // namespace gantry
