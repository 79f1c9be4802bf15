// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/cpu_dense.h"
#include "kernels/cpu/dnnl_sequence.h"
#include "kernels/cpu/dnnl_shim.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/with_activation.h"

namespace gantry {
namespace {

using dnnl::memory;
constexpr auto kF32 = memory::data_type::f32;

// c = a b (+ c): row-major matrices, either of a and b read through its transpose.
class DnnlDense final : public Kernel {
 public:
  // The epilogue sees the output as rows of `channels`.
  DnnlDense(const CpuDevice& device, const DenseDesc& d, DensePass pass, const Epilogue& epilogue,
            int64_t channels)
      : sequence_(device.library().engine), epilogue_(epilogue), channels_(channels) {
    switch (pass) {
      case DensePass::kForward:
        build(device, matrix(d.n, d.in), transposed(d.in, d.out), matrix(d.n, d.out), false);
        return;
      case DensePass::kBackwardData:
        build(device, matrix(d.n, d.out), matrix(d.out, d.in), matrix(d.n, d.in), false);
        return;
      case DensePass::kBackwardWeights:
        swapped_ = true;
        build(device, transposed(d.out, d.n), matrix(d.n, d.in), matrix(d.out, d.in), d.accumulate);
        return;
    }
  }

  size_t scratch_bytes() const override { return sequence_.scratch_bytes(); }

  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    sequence_.run(stream, args, scratch);
    const TensorView& out = args[0];
    epilogue_.run(static_cast<float*>(out.data), out.shape.elements() / channels_, channels_,
                  static_cast<const float*>(args.back().data));
  }

 private:
  static memory::desc matrix(int64_t rows, int64_t columns) {
    return {{rows, columns}, kF32, memory::dims{columns, 1}};
  }
  // rows x columns, stored as columns x rows.
  static memory::desc transposed(int64_t rows, int64_t columns) {
    return {{rows, columns}, kF32, memory::dims{1, rows}};
  }

  void build(const CpuDevice& device, const memory::desc& a, const memory::desc& b,
             const memory::desc& c, bool accumulate) {
    dnnl::primitive_attr attributes = dnnl_attributes();
    if (accumulate) {
      dnnl::post_ops post;
      post.append_sum(1.0f);
      attributes.set_post_ops(post);
    }
    const auto desc =
        dnnl_shim::describe<dnnl::matmul>(device.library().engine, attributes, a, b, c);
    sequence_.add(dnnl::matmul(desc), desc.scratchpad_desc(),
                  {{DNNL_ARG_DST, c, DnnlSlot::argument(0)},
                   {DNNL_ARG_SRC, a, DnnlSlot::argument(swapped_ ? 2 : 1)},
                   {DNNL_ARG_WEIGHTS, b, DnnlSlot::argument(swapped_ ? 1 : 2)}});
  }

  bool swapped_ = false;  // dw = dy^T x: the first factor is the last argument
  DnnlSequence sequence_;
  Epilogue epilogue_;
  int64_t channels_;
};

// y = x w^T with one output, the score of most critics: a dot product a sample, summed in double.
// oneDNN's sum of thousands of terms in f32 is off by 8e-6 of the result where there is no AVX-512.
class RowDots final : public Kernel {
 public:
  RowDots(const CpuDevice& device, const DenseDesc& d, const Epilogue& epilogue)
      : threads_(device.threads()), n_(d.n), in_(d.in), epilogue_(epilogue) {}

  void run(Stream&, std::span<const TensorView> args, void*) const override {
    auto* y = static_cast<float*>(args[0].data);
    const auto* x = static_cast<const float*>(args[1].data);
    const auto* w = static_cast<const float*>(args[2].data);
    const cpu::Pieces pieces{n_, std::max<int64_t>(1, cpu::kGrain / in_)};
    cpu::parallel_for(threads_, pieces.count(), [&](int64_t piece) {
      for (int64_t i = pieces.begin(piece); i < pieces.end(piece); ++i) y[i] = dot(x + i * in_, w);
    });
    epilogue_.run(y, n_, 1, static_cast<const float*>(args.back().data));
  }

 private:
  float dot(const float* a, const float* b) const {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t k = 0; k < in_; ++k) sum += double{a[k]} * double{b[k]};
    return static_cast<float>(sum);
  }

  int threads_;
  int64_t n_, in_;
  Epilogue epilogue_;
};

}  // namespace

std::shared_ptr<Kernel> make_cpu_dense(const CpuDevice& device, const DenseDesc& desc,
                                       DensePass pass, const Epilogue& epilogue, int64_t channels) {
  if (pass == DensePass::kForward && desc.out == 1) {
    return std::make_shared<RowDots>(device, desc, epilogue);
  }
  device.set_threads();
  return std::make_shared<DnnlDense>(device, desc, pass, epilogue, channels);
}

CpuKernels::Made CpuKernels::make_dense(const DenseDesc& desc, DensePass pass) {
  if (pass != DensePass::kForward) {
    return make_cpu_dense(device_, desc, pass, {}, 1);
  }
  if (!piecewise_linear(desc.activation.kind)) {
    DenseDesc linear = desc;
    linear.activation = {};
    const Shape out{desc.n, desc.out, 1, 1};
    return std::make_shared<WithActivation>(
        make_dense(linear, pass), activation({out, desc.activation}, ActivationPass::kForward));
  }
  return make_cpu_dense(device_, desc, pass, {desc.bias, desc.activation}, desc.out);
}

}  // namespace gantry
