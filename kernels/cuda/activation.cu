// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/activation_kernels.cuh"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"

namespace gantry {
namespace {

using cuda::Args;

template <ActivationKind kKind>
std::shared_ptr<Kernel> make(const ActivationDesc& desc, ActivationPass pass) {
  const ActivationMath<kKind, LibraryMath, float> math{desc.activation.alpha};
  const int64_t size = desc.x.elements();
  if (pass == ActivationPass::kForward) {
    return cuda::launched(2, 0, [=](Stream& stream, const Args& a) {
      cuda::with_real(a.dtype(0), [&](auto real) {
        using T = decltype(real);
        cuda::launch_map<1, 1, T>(stream, {{a.as<T>(0)}}, {{a.as<T>(1)}}, size,
                                  cuda::ActivationForward<kKind>{math});
      });
    });
  }
  // The tangent of a piecewise linear kind is the backward map applied to ux.
  if (pass == ActivationPass::kBackward || piecewise_linear(kKind)) {
    return cuda::launched(3, 0, [=](Stream& stream, const Args& a) {
      cuda::with_real(a.dtype(0), [&](auto real) {
        using T = decltype(real);
        cuda::launch_map<1, 2, T>(stream, {{a.as<T>(0)}}, {{a.as<T>(1), a.as<T>(2)}}, size,
                                  cuda::ActivationBackward<kKind>{math});
      });
    });
  }
  return cuda::launched(5, 0, [=](Stream& stream, const Args& a) {
    cuda::with_real(a.dtype(0), [&](auto real) {
      using T = decltype(real);
      cuda::launch_map<2, 3, T>(stream, {{a.as<T>(0), a.as<T>(1)}},
                                {{a.as<T>(2), a.as<T>(3), a.as<T>(4)}}, size,
                                cuda::ActivationDoubleBackward<kKind>{math});
    });
  });
}

}  // namespace

CudaKernels::Made CudaKernels::make_activation(const ActivationDesc& desc, ActivationPass pass) {
  using Kind = ActivationKind;
  switch (desc.activation.kind) {
    case Kind::kIdentity:
      return make<Kind::kIdentity>(desc, pass);
    case Kind::kReLU:
      return make<Kind::kReLU>(desc, pass);
    case Kind::kLeakyReLU:
      return make<Kind::kLeakyReLU>(desc, pass);
    case Kind::kTanh:
      return make<Kind::kTanh>(desc, pass);
    case Kind::kSigmoid:
      return make<Kind::kSigmoid>(desc, pass);
    case Kind::kELU:
      return make<Kind::kELU>(desc, pass);
    case Kind::kSiLU:
      return make<Kind::kSiLU>(desc, pass);
    case Kind::kSoftplus:
      return make<Kind::kSoftplus>(desc, pass);
  }
  return nullptr;
}

}  // namespace gantry
