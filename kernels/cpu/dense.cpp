// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/dnnl_dense.h"
#include "kernels/cpu/dnnl_sequence.h"
#include "kernels/cpu/dnnl_shim.h"
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

}  // namespace

std::shared_ptr<Kernel> make_dnnl_dense(const CpuDevice& device, const DenseDesc& desc,
                                        DensePass pass, const Epilogue& epilogue,
                                        int64_t channels) {
  device.set_threads();
  return std::make_shared<DnnlDense>(device, desc, pass, epilogue, channels);
}

CpuKernels::Made CpuKernels::make_dense(const DenseDesc& desc, DensePass pass) {
  if (pass != DensePass::kForward) {
    return make_dnnl_dense(device_, desc, pass, {}, 1);
  }
  if (!piecewise_linear(desc.activation.kind)) {
    DenseDesc linear = desc;
    linear.activation = {};
    const Shape out{desc.n, desc.out, 1, 1};
    return std::make_shared<WithActivation>(
        make_dense(linear, pass), activation({out, desc.activation}, ActivationPass::kForward));
  }
  return make_dnnl_dense(device_, desc, pass, {desc.bias, desc.activation}, desc.out);
}

}  // namespace gantry
