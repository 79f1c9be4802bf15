// SPDX-License-Identifier: Apache-2.0
#include "train/resident_data.h"

namespace gantry {
namespace {

size_t bytes_of(const StoredSet& set) {
  return set.samples.size_bytes() + set.classes.size_bytes();
}

}  // namespace

std::unique_ptr<ResidentData> ResidentData::make(const DataSource& source, Device& device,
                                                 Stream& stream) {
  if (!device.is_apart()) return nullptr;
  const std::optional<StoredSet> set = source.stored();
  if (!set || bytes_of(*set) > device.available_bytes() / 4) return nullptr;
  return std::make_unique<ResidentData>("data", *set, device, stream);
}

ResidentData::ResidentData(const std::string& name, const StoredSet& set, Device& device,
                           Stream& stream)
    : name_(name), desc_(set.desc), samples_(device, desc_.stored(), DType::kU8) {
  device.copy_to_device(stream, samples_.view().data, set.samples.data(), samples_.bytes());
  if (desc_.labels) {
    classes_ = Tensor(device, vector_shape(desc_.count), DType::kI32);
    device.copy_to_device(stream, classes_.view().data, set.classes.data(), classes_.bytes());
  }
  stream.synchronize();
}

void ResidentData::record(Recorder& recorder, const TensorRef& position, const TensorRef& images,
                          const TensorRef& labels) const {
  Program& program = recorder.program;
  DecodeDesc desc = desc_;
  desc.y = images.shape;
  TensorRefs outputs = {images}, inputs = {program.external(name_, samples_.view())};
  if (desc.labels) {
    outputs.push_back(labels);
    inputs.push_back(program.external(name_ + "_classes", classes_.view()));
  }
  inputs.push_back(position);
  program.call(name_, recorder.kernels.decode(desc), outputs, inputs);
}

}  // namespace gantry
