// SPDX-License-Identifier: Apache-2.0
#include "train/metric_slots.h"

#include <array>

#include "core/error.h"
#include "train/host_copy.h"

namespace gantry {
namespace {
constexpr int64_t kMaxSlots = 16384;
}

MetricSlots::MetricSlots(Device& device, DType real)
    : latest_(device, vector_shape(kMaxSlots), real),
      sums_(device, vector_shape(kMaxSlots), real),
      counts_(device, vector_shape(kMaxSlots), real),
      stop_(device, vector_shape(1), real) {}

TensorRef MetricSlots::slot(Program& program, const std::string& name, double weight) {
  if (names_.size() >= kMaxSlots) {
    throw ConfigError(concat("/train: a step would leave more than ", kMaxSlots,
                             " metrics; lower d_steps, g_steps or accumulate"));
  }
  TensorRef ref = program.external("metrics.latest", latest_.view());
  ref.offset = next_ * dtype_bytes(ref.dtype);
  ref.shape = vector_shape(1);
  if (next_ == names_.size()) {
    names_.push_back(name);
    weights_.push_back(weight);
  }
  GANTRY_CHECK(names_[next_] == name, "slot ", next_, " is ", names_[next_], ", not ", name);
  ++next_;
  return ref;
}

TensorRef MetricSlots::since(Program& program, size_t slot) const {
  if (slot == next_) return {};
  TensorRef ref = program.external("metrics.latest", latest_.view());
  ref.offset = slot * dtype_bytes(ref.dtype);
  ref.shape = vector_shape(static_cast<int64_t>(next_ - slot));
  return ref;
}

// Sums and counts grow by what this program wrote: its own slots, one after the other. The stop
// request comes after them and is no part of the sums.
TensorRef MetricSlots::record_sum(Recorder& recorder, Communicator* ranks) {
  Program& program = recorder.program;
  const size_t first = begins_.back(), written = names_.size() - first;
  const auto part = [&](const char* name, const TensorView& all, size_t count) {
    TensorRef ref = program.external(name, all);
    ref.offset = first * dtype_bytes(ref.dtype);
    ref.shape = vector_shape(static_cast<int64_t>(count));
    return ref;
  };
  if (ranks) {
    const SumDesc copy{.y = vector_shape(1), .scale = {1.0f}};
    program.call("stop", recorder.kernels.sum(copy), {slot(program, "")},
                 {program.external("stop", stop_.view())});
  }
  if (ranks && ranks->reduces()) {
    const TensorRef all = part("metrics.latest", latest_.view(), names_.size() - first);
    const AllReduceDesc mean{.size = all.shape.elements(),
                             .dtype = all.dtype,
                             .scale = 1.0 / ranks->size(),
                             .what = "the metrics"};
    program.call("metrics_of_ranks", ranks->all_reduce(mean), {}, {}, {all});
  }
  const TensorRef latest = part("metrics.latest", latest_.view(), written);
  const TensorRef sums = part("metrics.sums", sums_.view(), written);
  const TensorRef counts = part("metrics.counts", counts_.view(), written);
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
    if (counts[i] == 0 || names_[first + i].empty()) continue;
    sums[names_[first + i]] += weights_[first + i] * values[i];
    writes[names_[first + i]] += counts[i];
  }
  for (auto& [name, value] : sums) value /= writes[name];
  return sums;
}

std::map<std::string, double> MetricSlots::latest(Device& device, Stream& stream,
                                                  size_t program) const {
  const size_t first = begins_[program];
  const size_t end = end_of(program);
  if (first == end) return {};
  return averaged(first, read_reals(device, stream, part(latest_, first, end)),
                  std::vector<double>(end - first, 1.0));
}

size_t MetricSlots::end_of(size_t program) const {
  return program + 1 < begins_.size() ? begins_[program + 1] : names_.size();
}

void MetricSlots::request_stop(Device& device, Stream& stream) {
  write_reals(device, stream, stop_.view(), std::array{1.0f});
}

// The stop request is the last slot of a program.
bool MetricSlots::stop_requested(Device& device, Stream& stream, size_t program) const {
  const size_t end = end_of(program);
  if (end == begins_[program] || !names_[end - 1].empty()) return false;
  return read_reals(device, stream, part(latest_, end - 1, end))[0] > 0;
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
