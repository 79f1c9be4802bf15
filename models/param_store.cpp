// SPDX-License-Identifier: Apache-2.0
#include "models/param_store.h"

#include <algorithm>

namespace gantry {

namespace {

constexpr int64_t kRangeAlignment = 16;  // elements: one cache line of f32

int64_t end_of(const std::vector<ParamRange>& ranges) {
  if (ranges.empty()) return 0;
  const int64_t end = ranges.back().first + ranges.back().shape.elements();
  return (end + kRangeAlignment - 1) / kRangeAlignment * kRangeAlignment;
}

// A flat buffer must exist to be named in a program, even where a network has no parameters.
Tensor flat(Device& device, DType real, int64_t size) {
  return Tensor(device, vector_shape(std::max(size, kRangeAlignment)), real);
}

}  // namespace

std::vector<ParamRange> lay_out(const std::vector<std::pair<std::string, Shape>>& tensors) {
  std::vector<ParamRange> ranges;
  ranges.reserve(tensors.size());
  for (const auto& [name, shape] : tensors) ranges.push_back({name, shape, end_of(ranges)});
  return ranges;
}

ParamStore::ParamStore(std::string network, Device& device, DType real, DType narrow,
                       std::vector<ParamRange> params, std::vector<ParamRange> states)
    : network_(std::move(network)),
      params_(std::move(params)),
      states_(std::move(states)),
      size_(end_of(params_)) {
  values_ = flat(device, real, size_);
  grads_ = flat(device, real, size_);
  state_values_ = flat(device, real, end_of(states_));
  if (narrow != real) narrow_values_ = flat(device, narrow, size_);
}

TensorRefs ParamStore::param_refs(Program& program, const TensorView& values) const {
  return refs(program, ".parameters", values, params_);
}

TensorRefs ParamStore::grad_refs(Program& program) const {
  return refs(program, ".gradients", grads_.view(), params_);
}

TensorRefs ParamStore::narrow_refs(Program& program, const TensorView& values) const {
  if (!narrow_values_.view().data || values.data != values_.view().data) return {};
  return refs(program, ".narrow_parameters", narrow_values_.view(), params_);
}

TensorRefs ParamStore::state_refs(Program& program, const TensorView& states) const {
  return refs(program, ".states", states, states_);
}

TensorRefs ParamStore::refs(Program& program, const char* part, const TensorView& flat,
                            const std::vector<ParamRange>& ranges) const {
  const TensorRef whole = program.external(network_ + part, flat);

  TensorRefs parts;
  parts.reserve(ranges.size());
  for (const ParamRange& range : ranges) {
    TensorRef ref = whole;
    ref.offset += static_cast<uint64_t>(range.first) * dtype_bytes(flat.dtype);
    ref.shape = range.shape;
    parts.push_back(ref);
  }
  return parts;
}

int64_t ParamStore::parameters() const {
  int64_t sum = 0;
  for (const ParamRange& range : params_) sum += range.shape.elements();
  return sum;
}

}  // namespace gantry
