// SPDX-License-Identifier: Apache-2.0
#include "train/objective.h"

#include <algorithm>

namespace gantry {

void GradientSum::add(Recorder& recorder, size_t i,
                      const std::function<void(const TensorRef&)>& write) {
  if (!written_[i]) {
    written_[i] = true;
    return write(sums_[i]);
  }
  const TensorRef term = recorder.temp("term", sums_[i].shape);
  write(term);
  const SumDesc desc{.y = term.shape, .scale = {1.0f}, .accumulate = true};
  recorder.program.call("add_term", recorder.kernels.sum(desc), {}, {term}, {sums_[i]});
}

TensorRefs gradients_of(Recorder& recorder, TensorRefs whole,
                        std::initializer_list<const GradientSum*> parts) {
  for (size_t i = 0; i < whole.size(); ++i) {
    const auto wrote = [i](const GradientSum* part) { return part->written(i); };
    if (std::none_of(parts.begin(), parts.end(), wrote)) {
      whole[i] = {};
      continue;
    }
    for (const GradientSum* part : parts) {
      if (part->written(i)) continue;
      const TensorRef& rest = part->sum(i);
      recorder.program.call("no_gradient", recorder.kernels.sum({.y = rest.shape}), {rest}, {});
    }
  }
  return whole;
}

TensorRefs gradients_like(Recorder& recorder, const TensorRefs& outputs) {
  TensorRefs grads;
  for (const TensorRef& y : outputs) grads.push_back(recorder.temp("d_score", y.shape));
  return grads;
}

TensorRefs samples_of(const TensorRefs& refs, int64_t first, int64_t count) {
  TensorRefs parts;
  for (const TensorRef& ref : refs) parts.push_back(ref.samples(first, count));
  return parts;
}

}  // namespace gantry
