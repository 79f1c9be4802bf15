// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/dense.h"

#include "kernels/cuda/bias_act.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/library_kernels.h"

namespace gantry {
namespace cuda {

void WithEpilogue::run(Stream& stream, std::span<const TensorView> args, void* scratch) const {
  kernel_->run(stream, bias_ ? args.first(args.size() - 1) : args, scratch);
  const float* b = bias_ ? args.back().as<float>() : nullptr;
  launch_bias_act(stream, args[0], args[0], b, channels_, activation_);
}

namespace {

std::shared_ptr<Kernel> make_product(CudaDevice& device, const DenseDesc& d, DensePass pass,
                                     DType narrow) {
  MatrixProduct product{.types = {narrow, narrow}};
  if (pass == DensePass::kBackwardWeights) {
    product = {d.out, d.in, d.n, true, false, d.accumulate, false, {narrow, DType::kF32}};
  } else if (pass == DensePass::kBackwardData) {
    product.m = d.n, product.n = d.in, product.k = d.out;
  } else {
    product.m = d.n, product.n = d.out, product.k = d.in;
    product.transpose_b = true;
    product.bias = d.bias && narrow == DType::kF32;
  }
  return make_cublas_product(device, product);
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

std::shared_ptr<Kernel> make_dense(CudaDevice& device, const DenseDesc& d, DensePass pass,
                                   DType narrow) {
  auto kernel = make_product(device, d, pass, narrow);
  if (pass == DensePass::kBackwardWeights) return std::make_shared<Swapped>(std::move(kernel));
  if (pass == DensePass::kBackwardData) return kernel;
  // A product in f32 adds the bias itself; next to 16 bits the library wants the bias in 16 bits,
  // too. Its own ReLU would hide NaN, so activations come after it.
  const bool bias = d.bias && narrow != DType::kF32;
  if (!bias && d.activation.kind == ActivationKind::kIdentity) return kernel;
  return std::make_shared<WithEpilogue>(std::move(kernel), bias, d.activation, d.out);
}

}  // namespace cuda

CudaKernels::Made CudaKernels::make_dense(const DenseDesc& desc, DensePass pass) {
  return cuda::make_dense(device_, desc, pass, narrow_);
}

}  // namespace gantry
