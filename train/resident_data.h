// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "models/layer.h"
#include "train/data/source.h"

namespace gantry {

// A data set in the memory of a device: steps read their real batches from it by themselves, the
// same bytes that DataSource::read gives, and the host has nothing to do before a step.
class ResidentData {
 public:
  // Null where there is nothing to gain (a device that shares the host's memory) or it cannot be: a
  // set that devices cannot read, or one that would take more than a quarter of the free memory.
  static std::unique_ptr<ResidentData> make(const DataSource& source, Device& device,
                                            Stream& stream);

  // Of a few samples, in the memory of any device. `name`: of its calls and tensors.
  ResidentData(const std::string& name, const StoredSet& set, Device& device, Stream& stream);

  // Records reading samples *position, *position + 1, ... of the stream into `images` and, where
  // the set has labels, `labels` (n x 1).
  void record(Recorder& recorder, const TensorRef& position, const TensorRef& images,
              const TensorRef& labels) const;

 private:
  std::string name_;
  DecodeDesc desc_;
  Tensor samples_, classes_;
};

}  // namespace gantry
