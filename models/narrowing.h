// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "models/layer.h"
#include "models/param_store.h"

namespace gantry {

// What of a network is of 16 bits, where recorder.narrow has kernels for that: the activations of
// layers that can_be_narrow, the deltas that go back through them, and their weights.

// A recorder of calls of that layer, with its kernels.
Recorder recorder_for(const Recorder& recorder, const Layer& layer);

// x in that type: x itself where it has it.
TensorRef record_cast(Recorder& recorder, const TensorRef& x, DType to);
// A delta on its way into a network (times the recorder's loss scale) or out of it (divided by it).
TensorRef record_scaled_in(Recorder& recorder, const TensorRef& delta, DType to);
TensorRef record_scaled_out(Recorder& recorder, const TensorRef& delta);

// Casts of one pass, each recorded once however many read it.
class Casts {
 public:
  explicit Casts(Recorder& recorder) : recorder_(recorder) {}
  TensorRef cast(const TensorRef& x, DType to);

 private:
  Recorder& recorder_;
  std::vector<std::pair<TensorRef, TensorRef>> made_;
};

// The parameters that are kept narrow beside narrow activations.
bool is_weight(std::string_view parameter);

}  // namespace gantry
