// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/conv2d.h"

#include "kernels/cpu/avx512_tile.h"
#include "kernels/cpu/conv2d_weights_by_parts.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/cpu_dense.h"
#include "kernels/cpu/cpu_device.h"
#include "kernels/cpu/direct_conv2d.h"
#include "kernels/cpu/dnnl_conv2d.h"
#include "kernels/cpu/gather_conv2d.h"
#include "kernels/cpu/spread_conv2d.h"
#include "kernels/cpu/winograd_conv2d.h"
#include "kernels/cpu/with_activation.h"
#include "kernels/ops/conv2d_as_dense.h"

namespace gantry {
namespace {

std::shared_ptr<Kernel> make_as_dense(const CpuDevice& device, const DenseDesc& dense,
                                      const Conv2dDesc& d, Conv2dPass pass) {
  switch (pass) {
    case Conv2dPass::kForward:
      return make_cpu_dense(device, dense, DensePass::kForward, {d.bias, d.activation}, d.y.c);
    case Conv2dPass::kBackwardData:
      return make_cpu_dense(device, dense, DensePass::kBackwardData, {d.bias, d.activation}, d.x.c);
    case Conv2dPass::kBackwardWeights:
      return make_cpu_dense(device, dense, DensePass::kBackwardWeights, {}, 1);
  }
  return nullptr;
}

// The library's kernels visit all weights once per sample; below this many pixels that costs more
// than the products (measured: 134 against 198 GFLOP/s at 4 x 4, 232 against 195 at 8 x 8).
constexpr int64_t kFewPixels = 32;

std::shared_ptr<Kernel> make_gather(const Conv2dDesc& d, Conv2dPass pass, int threads) {
  if (pass == Conv2dPass::kBackwardWeights) return make_gather_conv2d_weights(d, threads);
  return make_gather_conv2d(d, pass, threads);
}

// Outputs of up to this many channels leave most of a vector idle in the library's kernels
// (measured, 4 x 4 stride 2 to 3 channels: 37 against 127 GFLOP/s; 7 x 7 to 3: 41 against 153).
constexpr int64_t kFewChannels = 8;
// Spreading needs one sample's values for every kernel position.
constexpr size_t kSpreadLimit = size_t{64} << 20;

std::shared_ptr<Kernel> make_spread(const Conv2dDesc& d, Conv2dPass pass, int threads) {
  const int64_t channels = pass == Conv2dPass::kForward ? d.y.c : d.x.c;
  if (pass == Conv2dPass::kBackwardWeights || channels > kFewChannels) return nullptr;
  auto kernel = make_spread_conv2d(d, pass, threads);
  return kernel && kernel->scratch_bytes() <= kSpreadLimit ? kernel : nullptr;
}

// With AVX-512 the plain products are kept: which is faster there has not been measured.
bool use_winograd(const Conv2dDesc& d) { return !avx512::usable() && winograd_pays(d); }

std::shared_ptr<Kernel> make_product(const CpuDevice& device, const Conv2dDesc& d,
                                     Conv2dPass pass) {
  const int threads = device.threads();
  if (use_winograd(d)) return make_winograd_conv2d(d, pass, threads);
  if (auto kernel = make_spread(d, pass, threads)) return kernel;
  if (d.y.pixels() < kFewPixels) {
    if (auto kernel = make_gather(d, pass, threads)) return kernel;
  }
  if (auto kernel = make_dnnl_conv2d(device, d, pass, DnnlLayout::kStored)) return kernel;
  if (auto kernel = make_gather(d, pass, threads)) return kernel;
  return make_direct_conv2d(d, pass);
}

}  // namespace

// The choice is a rule over the shapes, never a timing, so that results repeat.
CpuKernels::Made CpuKernels::make_conv2d(const Conv2dDesc& desc, Conv2dPass pass) {
  if (!piecewise_linear(desc.activation.kind) && pass != Conv2dPass::kBackwardWeights) {
    Conv2dDesc linear = desc;
    linear.activation = {};
    const Shape& out = pass == Conv2dPass::kForward ? desc.y : desc.x;
    return std::make_shared<WithActivation>(
        make_conv2d(linear, pass), activation({out, desc.activation}, ActivationPass::kForward));
  }
  if (const auto dense = conv2d_as_dense(desc)) return make_as_dense(device_, *dense, desc, pass);
  if (pass == Conv2dPass::kBackwardWeights && desc.w.n <= kFewChannels) {
    return make_conv2d_weights_by_parts(desc, [this](const Conv2dDesc& part) {
      return make_product(device_, part, Conv2dPass::kBackwardWeights);
    });
  }
  return make_product(device_, desc, pass);
}

}  // namespace gantry
