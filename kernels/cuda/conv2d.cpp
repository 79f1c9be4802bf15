// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/conv2d.h"

#include <algorithm>
#include <array>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/dense.h"
#include "kernels/cuda/library_kernels.h"
#include "kernels/ops/conv2d_as_dense.h"

namespace gantry {
namespace {

using KernelMade = std::shared_ptr<Kernel>;

constexpr size_t kScratchAlignment = 256;

size_t rounded_up(size_t bytes) {
  return (bytes + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
}

size_t bytes_of(const Shape& shape) {
  return static_cast<size_t>(shape.elements()) * sizeof(float);
}

void* behind(void* scratch, size_t bytes) { return static_cast<char*>(scratch) + bytes; }

// dw += by way of scratch memory: the library overwrites.
class Accumulated final : public Kernel {
 public:
  Accumulated(KernelMade kernel, KernelPtr sum, const Shape& w)
      : kernel_(std::move(kernel)), sum_(std::move(sum)), own_(rounded_up(bytes_of(w))) {}
  size_t scratch_bytes() const override { return own_ + kernel_->scratch_bytes(); }
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    const TensorView dw{scratch, args[0].shape, args[0].dtype};
    kernel_->run(stream, std::array{dw, args[1], args[2]}, behind(scratch, own_));
    sum_->run(stream, std::array{args[0], dw}, nullptr);
  }

 private:
  KernelMade kernel_;
  KernelPtr sum_;
  size_t own_;
};

// A convolution of an x that has its frame of zeros in memory, in scratch: for padding that differs
// from side to side.
class Framed final : public Kernel {
 public:
  Framed(KernelMade kernel, KernelPtr frame, const Shape& framed, Conv2dPass pass)
      : kernel_(std::move(kernel)),
        frame_(std::move(frame)),
        framed_(framed),
        own_(rounded_up(bytes_of(framed))),
        pass_(pass) {}
  size_t scratch_bytes() const override { return own_ + kernel_->scratch_bytes(); }
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    const TensorView x{scratch, framed_, args[0].dtype};
    void* rest = behind(scratch, own_);
    if (pass_ == Conv2dPass::kBackwardData) {
      kernel_->run(stream, std::array{x, args[1], args[2]}, rest);
      frame_->run(stream, std::array{args[0], x}, nullptr);
    } else {
      frame_->run(stream, std::array{x, args[1]}, nullptr);
      kernel_->run(stream, std::array{args[0], x, args[2]}, rest);
    }
  }

 private:
  KernelMade kernel_;
  KernelPtr frame_;
  Shape framed_;
  size_t own_;
  Conv2dPass pass_;
};

// Zeros that the last window needs behind `in` elements.
int64_t pad_behind(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                   int64_t before) {
  return std::max<int64_t>(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - before - in);
}

PadDesc frame_of(const Conv2dDesc& d) {
  PadDesc frame;
  frame.x = d.x;
  frame.top = d.pad_top;
  frame.left = d.pad_left;
  frame.bottom = pad_behind(d.x.h, d.y.h, d.w.h, d.stride_h, d.dilation_h, d.pad_top);
  frame.right = pad_behind(d.x.w, d.y.w, d.w.w, d.stride_w, d.dilation_w, d.pad_left);
  return frame;
}

KernelMade make_bare(CudaDevice& device, Kernels& kernels, const Conv2dDesc& desc,
                     Conv2dPass pass) {
  if (auto kernel = cuda::make_cudnn_conv2d(device, desc, pass)) return kernel;
  const PadDesc frame = frame_of(desc);
  Conv2dDesc framed = desc;
  framed.x = frame.y();
  framed.pad_top = framed.pad_left = 0;
  auto kernel = cuda::make_cudnn_conv2d(device, framed, pass);
  if (!kernel) {
    throw EnvironmentError(
        concat("cuDNN has no convolution from ", to_string(desc.x), " to ", to_string(desc.y),
               " with filters ", to_string(desc.w),
               " on this GPU; try deterministic=false, backend=cpu or another cuDNN"));
  }
  const bool back = pass == Conv2dPass::kBackwardData;
  KernelPtr pad = kernels.pad(frame, back ? LinearPass::kBackward : LinearPass::kForward);
  return std::make_shared<Framed>(std::move(kernel), std::move(pad), framed.x, pass);
}

DensePass dense_pass(Conv2dPass pass) {
  if (pass == Conv2dPass::kForward) return DensePass::kForward;
  return pass == Conv2dPass::kBackwardData ? DensePass::kBackwardData : DensePass::kBackwardWeights;
}

}  // namespace

CudaKernels::Made CudaKernels::make_conv2d(const Conv2dDesc& desc, Conv2dPass pass) {
  Conv2dDesc bare = desc;
  bare.bias = bare.accumulate = false;
  bare.activation = {};
  KernelMade kernel;
  if (const auto dense = conv2d_as_dense(desc)) {
    kernel = cuda::make_dense(device_, *dense, dense_pass(pass));
  } else {
    kernel = make_bare(device_, *this, bare, pass);
    if (desc.accumulate)
      kernel = std::make_shared<Accumulated>(std::move(kernel), sum({desc.w, {1}, true}), desc.w);
  }
  if (pass == Conv2dPass::kBackwardWeights) return kernel;
  if (!desc.bias && desc.activation.kind == ActivationKind::kIdentity) return kernel;
  const int64_t channels = pass == Conv2dPass::kForward ? desc.y.c : desc.x.c;
  return std::make_shared<cuda::WithEpilogue>(std::move(kernel), desc.bias, desc.activation,
                                              channels);
}

}  // namespace gantry
