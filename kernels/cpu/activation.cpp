// SPDX-License-Identifier: Apache-2.0
#include "kernels/common/activation_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vector_math.h"

namespace gantry {
namespace {

using cpu::Args;

template <ActivationKind kKind>
using Maths = ActivationMath<kKind, cpu::VectorMath, float>;

// f comes by value: read through a reference inside the loop, alpha would be loaded on one side of
// a condition only, and the loop would not vectorise.
template <typename F>
void forward(F f, int64_t begin, int64_t end, float* y, const float* x) {
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) y[i] = f.value(x[i]);
}

template <typename F>
void backward(F f, int64_t begin, int64_t end, float* dx, const float* s, const float* dy) {
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) dx[i] = f.slope(s[i]) * dy[i];
}

template <typename F>
void double_backward(F f, int64_t begin, int64_t end, const Args& a) {
  float *uy = a.real(0), *hx = a.real(1);
  const float *s = a.real(2), *dy = a.real(3), *ux = a.real(4);
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) {
    const float slope = f.slope(s[i]), curvature = f.curvature(s[i]), u = ux[i];
    uy[i] = slope * u;
    hx[i] = curvature * dy[i] * u;
  }
}

template <ActivationKind kKind>
std::shared_ptr<Kernel> make(const ActivationDesc& desc, ActivationPass pass, int threads) {
  const Maths<kKind> f{desc.activation.alpha};
  const int64_t size = desc.x.elements();
  const auto over = [=](auto body) {
    return [=](Args a, void*) {
      cpu::parallel_ranges(threads, size, [&](int64_t begin, int64_t end) { body(begin, end, a); });
    };
  };
  if (pass == ActivationPass::kForward) {
    return cpu::loop_kernel(2, 0, over([=](int64_t begin, int64_t end, const Args& a) {
                              forward(f, begin, end, a.real(0), a.real(1));
                            }));
  }
  // The tangent of a piecewise linear kind is the backward map applied to ux.
  if (pass == ActivationPass::kBackward || piecewise_linear(kKind)) {
    return cpu::loop_kernel(3, 0, over([=](int64_t begin, int64_t end, const Args& a) {
                              backward(f, begin, end, a.real(0), a.real(1), a.real(2));
                            }));
  }
  return cpu::loop_kernel(5, 0, over([=](int64_t begin, int64_t end, const Args& a) {
                            double_backward(f, begin, end, a);
                          }));
}

}  // namespace

CpuKernels::Made CpuKernels::make_activation(const ActivationDesc& desc, ActivationPass pass) {
  using Kind = ActivationKind;
  switch (desc.activation.kind) {
    case Kind::kIdentity:
      return make<Kind::kIdentity>(desc, pass, threads());
    case Kind::kReLU:
      return make<Kind::kReLU>(desc, pass, threads());
    case Kind::kLeakyReLU:
      return make<Kind::kLeakyReLU>(desc, pass, threads());
    case Kind::kTanh:
      return make<Kind::kTanh>(desc, pass, threads());
    case Kind::kSigmoid:
      return make<Kind::kSigmoid>(desc, pass, threads());
    case Kind::kELU:
      return make<Kind::kELU>(desc, pass, threads());
    case Kind::kSiLU:
      return make<Kind::kSiLU>(desc, pass, threads());
    case Kind::kSoftplus:
      return make<Kind::kSoftplus>(desc, pass, threads());
  }
  return nullptr;
}

}  // namespace gantry
