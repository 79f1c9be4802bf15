// SPDX-License-Identifier: Apache-2.0
#include "train/device_limits.h"

#include <algorithm>
#include <vector>

#include "train/host_copy.h"

namespace gantry {
namespace {

constexpr double kLongEnough = 3e-3;  // seconds: beside which starting a kernel is nothing
constexpr int kRuns = 12;

class Trial {
 public:
  Trial(Backend& backend, Stream& stream) : backend_(backend), stream_(stream) {}

  // The shortest of several runs.
  double seconds(const KernelPtr& kernel, const std::vector<TensorView>& args) const {
    const Memory scratch(*backend_.device, kernel->scratch_bytes());
    const auto marks = stream_.make_marks(2);
    double best = 1e30;
    for (int run = 0; run < kRuns; ++run) {
      marks->set(0);
      kernel->run(stream_, args, scratch.data());
      marks->set(1);
      stream_.synchronize();
      best = std::min(best, marks->seconds(0, 1));
    }
    return best;
  }

  // Values that are neither zero nor all alike: on some devices arithmetic on those draws less
  // power and runs at a higher clock.
  Tensor filled(const Shape& shape) const {
    Tensor tensor(*backend_.device, shape, backend_.kernels->real());
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    uint32_t state = 1;
    for (float& value : values) {
      state = state * 1664525u + 1013904223u;
      value = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
    }
    write_reals(*backend_.device, stream_, tensor.view(), values);
    return tensor;
  }

  double product(int64_t size, double& flops_per_s) const {
    const KernelPtr kernel =
        backend_.kernels->dense({.n = size, .in = size, .out = size}, DensePass::kForward);
    const Shape shape{size, size, 1, 1};
    const Tensor y(*backend_.device, shape, backend_.kernels->real());
    const Tensor x = filled(shape), w = filled(shape);
    const double time = seconds(kernel, {y.view(), x.view(), w.view()});
    flops_per_s = kernel->flops() / time;
    return time;
  }

  double copy(int64_t elements, double& bytes_per_s) const {
    const Shape shape = vector_shape(elements);
    const Tensor x = filled(shape), y(*backend_.device, shape, backend_.kernels->real());
    const KernelPtr kernel = backend_.kernels->sum({.y = shape, .scale = {1.0f}});
    const double time = seconds(kernel, {y.view(), x.view()});
    bytes_per_s = 2.0 * static_cast<double>(x.bytes()) / time;
    return time;
  }

 private:
  Backend& backend_;
  Stream& stream_;
};

}  // namespace

DeviceLimits measure_limits(Backend& backend, Stream& stream) {
  constexpr int64_t kProduct = 1536, kLargestProduct = 12288;
  constexpr int64_t kCopy = int64_t{16} << 20, kLargestCopy = int64_t{1} << 30;
  const Trial trial(backend, stream);
  DeviceLimits limits;
  for (int64_t size = kProduct; size <= kLargestProduct; size *= 2) {
    if (trial.product(size, limits.flops_per_s) > kLongEnough) break;
  }
  const auto most = static_cast<int64_t>(backend.device->available_bytes() / 8 / 8);
  for (int64_t size = std::min(kCopy, most); size <= std::min(kLargestCopy, most); size *= 2) {
    if (trial.copy(size, limits.bytes_per_s) > kLongEnough) break;
  }
  return limits;
}

}  // namespace gantry
