// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/conv2d_weights_by_parts.h"

#include <algorithm>

#include "core/planner.h"

namespace gantry {
namespace {

constexpr int64_t kTerms = 1024;

// The largest divisor of the batch with which a sum keeps within kTerms.
int64_t samples_of_part(const Shape& y) {
  int64_t samples = std::clamp<int64_t>(kTerms / y.pixels(), 1, y.n);
  while (y.n % samples > 0) --samples;
  return samples;
}

class Conv2dWeightsByParts final : public Kernel {
 public:
  Conv2dWeightsByParts(const Conv2dDesc& desc, int64_t samples, std::shared_ptr<Kernel> part)
      : d_(desc), samples_(samples), part_(std::move(part)) {}

  size_t scratch_bytes() const override { return own_bytes() + part_->scratch_bytes(); }

  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    const int64_t size = d_.w.elements();
    auto* sums = static_cast<double*>(scratch);
    auto* dw = reinterpret_cast<float*>(sums + size);
    TensorView views[] = {{dw, d_.w}, args[1], args[2]};
    views[1].shape.n = views[2].shape.n = samples_;
    std::fill(sums, sums + size, 0.0);
    for (int64_t first = 0; first < d_.x.n; first += samples_) {
      views[1].data = args[1].as<float>() + first * d_.x.per_sample();
      views[2].data = args[2].as<float>() + first * d_.y.per_sample();
      part_->run(stream, views, static_cast<char*>(scratch) + own_bytes());
      for (int64_t i = 0; i < size; ++i) sums[i] += static_cast<double>(dw[i]);
    }
    float* out = args[0].as<float>();
    for (int64_t i = 0; i < size; ++i) {
      out[i] = static_cast<float>(sums[i] + (d_.accumulate ? static_cast<double>(out[i]) : 0));
    }
  }

 private:
  size_t own_bytes() const {
    const size_t bytes = static_cast<size_t>(d_.w.elements()) * (sizeof(double) + sizeof(float));
    return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
  }

  Conv2dDesc d_;
  int64_t samples_;
  std::shared_ptr<Kernel> part_;
};

}  // namespace

std::shared_ptr<Kernel> make_conv2d_weights_by_parts(
    const Conv2dDesc& desc, const std::function<std::shared_ptr<Kernel>(const Conv2dDesc&)>& make) {
  Conv2dDesc part = desc;
  part.x.n = part.y.n = samples_of_part(desc.y);
  if (part.x.n == desc.x.n) return make(desc);
  part.accumulate = false;
  return std::make_shared<Conv2dWeightsByParts>(desc, part.x.n, make(part));
}

}  // namespace gantry
