// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/program.h"
#include "models/layer.h"

namespace gantry {

// The scalars that a step leaves behind, in device memory: what each slot held after the last
// step, and the sums since the host last looked. The host looks once per logging interval.
// A name may have several slots (several critic steps, micro-batches); they are averaged.
class MetricSlots {
 public:
  MetricSlots(Device& device, DType real);

  // A new slot while recording. The kernel that gets it writes one element; what is reported is
  // `weight` times that.
  TensorRef slot(Program& program, const std::string& name, double weight = 1);
  // Appends the call that adds this step's values to the sums; the last metrics call of a step.
  void record_sum(Recorder& recorder);

  // Values of the last step, by name.
  std::map<std::string, double> latest(Device& device, Stream& stream) const;
  // Means over the interval since the last start_interval(); `steps`: how many it has.
  std::map<std::string, double> means(Device& device, Stream& stream, int64_t steps) const;
  void start_interval(Device& device, Stream& stream);

  const std::vector<std::string>& names() const { return names_; }  // of the slots, repeated
  TensorView sums() const { return sums_.view(); }

 private:
  std::map<std::string, double> averaged(Device& device, Stream& stream, const TensorView& values,
                                         double divisor) const;
  Tensor latest_, sums_;
  std::vector<std::string> names_;
  std::vector<double> weights_;
};

}  // namespace gantry
