// SPDX-License-Identifier: Apache-2.0
#include "train/metric_slots.h"

#include "train/host_copy.h"

namespace gantry {
namespace {
constexpr int64_t kMaxSlots = 1024;
}

MetricSlots::MetricSlots(Device& device, DType real)
    : latest_(device, vector_shape(kMaxSlots), real),
      sums_(device, vector_shape(kMaxSlots), real) {}

TensorRef MetricSlots::slot(Program& program, const std::string& name, double weight) {
  GANTRY_CHECK(names_.size() < kMaxSlots, "more than ", kMaxSlots, " metrics");
  TensorRef ref = program.external("metrics.latest", latest_.view());
  ref.offset = names_.size() * dtype_bytes(ref.dtype);
  ref.shape = vector_shape(1);
  names_.push_back(name);
  weights_.push_back(weight);
  return ref;
}

void MetricSlots::record_sum(Recorder& recorder) {
  const auto count = static_cast<int64_t>(names_.size());
  TensorRef from = recorder.program.external("metrics.latest", latest_.view());
  TensorRef to = recorder.program.external("metrics.sums", sums_.view());
  from.shape = to.shape = vector_shape(count);
  SumDesc desc{.y = vector_shape(count), .scale = {1.0f}, .accumulate = true};
  recorder.program.call("metrics", recorder.kernels.sum(desc), {}, {from}, {to});
}

std::map<std::string, double> MetricSlots::averaged(Device& device, Stream& stream,
                                                    const TensorView& values,
                                                    double divisor) const {
  const std::vector<double> host = read_reals(device, stream, values);
  std::map<std::string, double> sums;
  std::map<std::string, int> counts;
  for (size_t i = 0; i < names_.size(); ++i) {
    sums[names_[i]] += weights_[i] * host[i];
    ++counts[names_[i]];
  }
  for (auto& [name, value] : sums) value /= divisor * counts[name];
  return sums;
}

std::map<std::string, double> MetricSlots::latest(Device& device, Stream& stream) const {
  return averaged(device, stream, latest_.view(), 1);
}

std::map<std::string, double> MetricSlots::means(Device& device, Stream& stream,
                                                 int64_t steps) const {
  return averaged(device, stream, sums_.view(), static_cast<double>(steps));
}

void MetricSlots::start_interval(Device& device, Stream& stream) {
  const std::vector<char> zeros(sums_.bytes(), 0);
  device.copy_to_device(stream, sums_.view().data, zeros.data(), zeros.size());
  stream.synchronize();
}

}  // namespace gantry
