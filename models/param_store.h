// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/device.h"
#include "core/program.h"

namespace gantry {

// A named range of a flat buffer, in elements.
struct ParamRange {
  std::string name;  // "conv1.weight"
  Shape shape;
  int64_t first = 0;
};

// The numbers of one network in flat buffers, so that zeroing, reducing, clipping, stepping, and
// saving are single calls. Ranges start at multiples of 16 elements; the gaps stay zero.
class ParamStore {
 public:
  // `network` begins the names of the buffers in programs: "d.parameters". narrow: of the copy
  // of the values that layers read in 16 bits; `real` for none.
  ParamStore(std::string network, Device& device, DType real, DType narrow,
             std::vector<ParamRange> params, std::vector<ParamRange> states);

  const std::vector<ParamRange>& params() const { return params_; }
  const std::vector<ParamRange>& states() const { return states_; }
  int64_t parameters() const;             // numbers learned
  int64_t size() const { return size_; }  // elements of values and of grads, gaps included

  TensorView values() const { return values_.view(); }
  TensorView grads() const { return grads_.view(); }
  TensorView state_values() const { return state_values_.view(); }
  // The values in 16 bits, which follow from the values: the optimizer writes both, and whoever
  // else writes the values casts them. Without an address where there is none.
  TensorView narrow_values() const { return narrow_values_.view(); }

  // The flat buffers and their ranges as parts of a program. `values` may be another buffer of the
  // same layout (EMA weights).
  TensorRefs param_refs(Program& program, const TensorView& values) const;
  TensorRefs grad_refs(Program& program) const;
  // Empty where `values` have no narrow copy.
  TensorRefs narrow_refs(Program& program, const TensorView& values) const;
  TensorRefs state_refs(Program& program, const TensorView& states) const;

 private:
  TensorRefs refs(Program& program, const char* part, const TensorView& flat,
                  const std::vector<ParamRange>& ranges) const;

  std::string network_;
  std::vector<ParamRange> params_, states_;
  int64_t size_ = 0;
  Tensor values_, grads_, state_values_, narrow_values_;
};

// Lays ranges of these shapes out one after the other.
std::vector<ParamRange> lay_out(const std::vector<std::pair<std::string, Shape>>& tensors);

}  // namespace gantry
