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

size_t bytes_of(const Shape& shape, DType dtype) {
  return static_cast<size_t>(shape.elements()) * dtype_bytes(dtype);
}

void* behind(void* scratch, size_t bytes) { return static_cast<char*>(scratch) + bytes; }

// The result by way of scratch memory of another type: dw += where the library overwrites, or f32
// where it writes 16 bits. `take`: {dw | scratch}.
class ByScratch final : public Kernel {
 public:
  ByScratch(KernelMade kernel, KernelPtr take, const Shape& w, DType dtype)
      : kernel_(std::move(kernel)),
        take_(std::move(take)),
        dtype_(dtype),
        own_(rounded_up(bytes_of(w, dtype))) {}
  size_t scratch_bytes() const override { return own_ + kernel_->scratch_bytes(); }
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    const TensorView dw{scratch, args[0].shape, dtype_};
    kernel_->run(stream, std::array{dw, args[1], args[2]}, behind(scratch, own_));
    take_->run(stream, std::array{args[0], dw}, nullptr);
  }

 private:
  KernelMade kernel_;
  KernelPtr take_;
  DType dtype_;
  size_t own_;
};

// A convolution of an x that has its frame of zeros in memory, in scratch: for padding that differs
// from side to side.
class Framed final : public Kernel {
 public:
  Framed(KernelMade kernel, KernelPtr frame, const TensorView& framed, Conv2dPass pass)
      : kernel_(std::move(kernel)),
        frame_(std::move(frame)),
        framed_(framed),
        own_(rounded_up(framed.bytes())),
        pass_(pass) {}
  size_t scratch_bytes() const override { return own_ + kernel_->scratch_bytes(); }
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    const TensorView x{scratch, framed_.shape, framed_.dtype};
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
  TensorView framed_;  // without an address
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

// Null where cuDNN has no engine for the types.
KernelMade make_bare(CudaDevice& device, Kernels& kernels, const Conv2dDesc& desc, Conv2dPass pass,
                     const cuda::LibraryTypes& types) {
  if (auto kernel = cuda::make_cudnn_conv2d(device, desc, pass, types)) return kernel;
  const PadDesc frame = frame_of(desc);
  Conv2dDesc framed = desc;
  framed.x = frame.y();
  framed.pad_top = framed.pad_left = 0;
  auto kernel = cuda::make_cudnn_conv2d(device, framed, pass, types);
  if (!kernel) return nullptr;
  const bool back = pass == Conv2dPass::kBackwardData;
  KernelPtr pad = kernels.pad(frame, back ? LinearPass::kBackward : LinearPass::kForward);
  return std::make_shared<Framed>(std::move(kernel), std::move(pad),
                                  TensorView{nullptr, framed.x, types.in}, pass);
}

// dw in f32, added to what is there if the descriptor says so: where cuDNN writes no f32, from what
// it writes.
KernelMade make_weights(CudaDevice& device, Kernels& kernels, const Conv2dDesc& desc,
                        DType narrow) {
  constexpr Conv2dPass kPass = Conv2dPass::kBackwardWeights;
  constexpr DType kWritten = DType::kF32;
  Conv2dDesc bare = desc;
  bare.accumulate = false;
  KernelMade kernel = make_bare(device, kernels, bare, kPass, {narrow, kWritten});
  if (!kernel && narrow != kWritten) {
    kernel = make_bare(device, kernels, bare, kPass, {narrow, narrow});
    if (kernel) {
      KernelPtr widen = kernels.cast({.size = desc.w.elements()});
      kernel = std::make_shared<ByScratch>(std::move(kernel), std::move(widen), desc.w, narrow);
    }
  }
  if (!kernel || !desc.accumulate) return kernel;
  KernelPtr sum = kernels.sum({desc.w, {1}, true});
  return std::make_shared<ByScratch>(std::move(kernel), std::move(sum), desc.w, kWritten);
}

[[noreturn]] void refuse(const Conv2dDesc& desc, DType narrow) {
  throw EnvironmentError(concat("cuDNN has no convolution in ", dtype_name(narrow), " from ",
                                to_string(desc.x), " to ", to_string(desc.y), " with filters ",
                                to_string(desc.w), " on this GPU; try deterministic=false, ",
                                narrow == DType::kF32 ? "" : "precision=tf32, ",
                                "backend=cpu or another cuDNN"));
}

DensePass dense_pass(Conv2dPass pass) {
  if (pass == Conv2dPass::kForward) return DensePass::kForward;
  return pass == Conv2dPass::kBackwardData ? DensePass::kBackwardData : DensePass::kBackwardWeights;
}

}  // namespace

CudaKernels::Made CudaKernels::make_conv2d(const Conv2dDesc& desc, Conv2dPass pass) {
  Conv2dDesc bare = desc;
  bare.bias = false;
  bare.activation = {};
  KernelMade kernel;
  if (const auto dense = conv2d_as_dense(desc)) {
    kernel = cuda::make_dense(device_, *dense, dense_pass(pass), narrow_);
  } else if (pass == Conv2dPass::kBackwardWeights) {
    kernel = make_weights(device_, *this, bare, narrow_);
  } else {
    kernel = make_bare(device_, *this, bare, pass, {narrow_, narrow_});
  }
  if (!kernel) refuse(desc, narrow_);
  if (pass == Conv2dPass::kBackwardWeights) return kernel;
  if (!desc.bias && desc.activation.kind == ActivationKind::kIdentity) return kernel;
  const int64_t channels = pass == Conv2dPass::kForward ? desc.y.c : desc.x.c;
  return std::make_shared<cuda::WithEpilogue>(std::move(kernel), desc.bias, desc.activation,
                                              channels);
}

}  // namespace gantry
