// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/dense.h"

#include "kernels/cuda/bias_act.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/library_kernels.h"

namespace gantry {
namespace cuda {

void WithEpilogue::run(Stream& stream, std::span<const TensorView> args, void* scratch) const {
  kernel_->run(stream, bias_ ? args.first(args.size() - 1) : args, scratch);
  float* y = args[0].as<float>();
  const float* b = bias_ ? args.back().as<float>() : nullptr;
  launch_bias_act(stream, y, y, b, args[0].shape.elements(), channels_, activation_);
}

namespace {

std::shared_ptr<Kernel> make_product(CudaDevice& device, const DenseDesc& d, DensePass pass) {
  switch (pass) {
    case DensePass::kForward:
      return make_cublas_product(device, {d.n, d.out, d.in, false, true, false, d.bias});
    case DensePass::kBackwardData:
      return make_cublas_product(device, {d.n, d.in, d.out});
    case DensePass::kBackwardWeights:
      return make_cublas_product(device, {d.out, d.in, d.n, true, false, d.accumulate});
  }
  return nullptr;
}

// dw = dy^T x: the product takes the arguments {dw | x, dy} the other way round.
class Swapped final : public Kernel {
 public:
  explicit Swapped(std::shared_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}
  size_t scratch_bytes() const override { return kernel_->scratch_bytes(); }
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    const TensorView swapped[] = {args[0], args[2], args[1]};
    kernel_->run(stream, swapped, scratch);
  }

 private:
  std::shared_ptr<Kernel> kernel_;
};

}  // namespace

std::shared_ptr<Kernel> make_dense(CudaDevice& device, const DenseDesc& d, DensePass pass) {
  auto kernel = make_product(device, d, pass);
  if (pass == DensePass::kBackwardWeights) return std::make_shared<Swapped>(std::move(kernel));
  // The product adds the bias itself. Its own ReLU would hide NaN, so activations come after it.
  if (pass == DensePass::kForward && d.activation.kind != ActivationKind::kIdentity)
    return std::make_shared<WithEpilogue>(std::move(kernel), false, d.activation, d.out);
  return kernel;
}

}  // namespace cuda

CudaKernels::Made CudaKernels::make_dense(const DenseDesc& desc, DensePass pass) {
  return cuda::make_dense(device_, desc, pass);
}

}  // namespace gantry
