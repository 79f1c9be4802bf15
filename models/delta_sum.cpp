// SPDX-License-Identifier: Apache-2.0
#include "models/delta_sum.h"

namespace gantry {

void DeltaSum::send(size_t place, const TensorRef& delta) {
  ++holders_[delta.buffer];
  sent_[place].push_back(delta);
}

TensorRef DeltaSum::take(size_t place, bool keep) {
  TensorRefs deltas = std::move(sent_[place]);
  sent_[place].clear();
  if (deltas.empty()) return {};
  if (deltas.size() == 1) return deltas[0];
  const bool in_place = !keep && !shared(deltas[0]);
  const TensorRef sum =
      in_place ? deltas[0] : recorder_.program.temp("dy", deltas[0].shape, deltas[0].dtype);
  const SumDesc desc{sum.shape, std::vector<float>(deltas.size(), 1.0f), false};
  recorder_.program.call("sum_gradients", recorder_.kernels.sum(desc), {sum}, deltas);
  ++holders_[sum.buffer];
  for (const TensorRef& delta : deltas) release(delta);
  return sum;
}

}  // namespace gantry
