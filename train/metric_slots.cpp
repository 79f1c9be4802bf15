// SPDX-License-Identifier: Apache-2.0
#include "train/metric_slots.h"

#include "core/error.h"
#include "train/host_copy.h"

namespace gantry {
namespace {
constexpr int64_t kMaxSlots = 16384;
}

MetricSlots::MetricSlots(Device& device, DType real)
    : latest_(device, vector_shape(kMaxSlots), real),
      sums_(device, vector_shape(kMaxSlots), real),
      counts_(device, vector_shape(kMaxSlots), real) {}

TensorRef MetricSlots::slot(Program& program, const std::string& name, double weight) {
  if (names_.size() >= kMaxSlots) {
    throw ConfigError(concat("/train: a step would leave more than ", kMaxSlots,
                             " metrics; lower d_steps, g_steps or accumulate"));
  }
  TensorRef ref = program.external("metrics.latest", latest_.view());
  ref.offset = names_.size() * dtype_bytes(ref.dtype);
  ref.shape = vector_shape(1);
  names_.push_back(name);
  weights_.push_back(weight);
  return ref;
}

// Sums and counts grow by what this program wrote: its own slots, one after the other.
TensorRef MetricSlots::record_sum(Recorder& recorder) {
  Program& program = recorder.program;
  const auto part = [&](const char* name, const TensorView& all) {
    TensorRef ref = program.external(name, all);
    ref.offset = begins_.back() * dtype_bytes(ref.dtype);
    ref.shape = vector_shape(static_cast<int64_t>(names_.size() - begins_.back()));
    return ref;
  };
  const TensorRef latest = part("metrics.latest", latest_.view());
  const TensorRef sums = part("metrics.sums", sums_.view());
  const TensorRef counts = part("metrics.counts", counts_.view());
  const SumDesc add{.y = sums.shape, .scale = {1.0f}, .accumulate = true};
  program.call("metrics", recorder.kernels.sum(add), {}, {latest}, {sums});
  const SumDesc count{.y = counts.shape, .accumulate = true, .constant = 1};
  program.call("metrics_count", recorder.kernels.sum(count), {}, {}, {counts});
  return latest;
}

TensorView MetricSlots::part(const Tensor& all, size_t first, size_t end) const {
  TensorView view = all.view();
  view.data = static_cast<char*>(view.data) + first * dtype_bytes(view.dtype);
  view.shape = vector_shape(static_cast<int64_t>(end - first));
  return view;
}

std::map<std::string, double> MetricSlots::averaged(size_t first, const std::vector<double>& values,
                                                    const std::vector<double>& counts) const {
  std::map<std::string, double> sums, writes;
  for (size_t i = 0; i < values.size(); ++i) {
    if (counts[i] == 0) continue;
    sums[names_[first + i]] += weights_[first + i] * values[i];
    writes[names_[first + i]] += counts[i];
  }
  for (auto& [name, value] : sums) value /= writes[name];
  return sums;
}

std::map<std::string, double> MetricSlots::latest(Device& device, Stream& stream,
                                                  size_t program) const {
  const size_t first = begins_[program];
  const size_t end = program + 1 < begins_.size() ? begins_[program + 1] : names_.size();
  if (first == end) return {};
  return averaged(first, read_reals(device, stream, part(latest_, first, end)),
                  std::vector<double>(end - first, 1.0));
}

std::map<std::string, double> MetricSlots::means(Device& device, Stream& stream) const {
  if (names_.empty()) return {};
  return averaged(0, read_reals(device, stream, part(sums_, 0, names_.size())),
                  read_reals(device, stream, part(counts_, 0, names_.size())));
}

void MetricSlots::start_interval(Device& device, Stream& stream) {
  const std::vector<char> zeros(sums_.bytes(), 0);
  device.copy_to_device(stream, sums_.view().data, zeros.data(), zeros.size());
  device.copy_to_device(stream, counts_.view().data, zeros.data(), zeros.size());
  stream.synchronize();
}

}  // namespace gantry
