// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/optimizer_kernels.cuh"

namespace gantry {
namespace {

using cuda::Args;
using cuda::OptimizerArrays;
using cuda::OptimizerTerms;
using Kind = OptimizerDesc::Kind;

// Blocks per multiprocessor: all resident at once, so that each works out the step only once.
constexpr int64_t kResident = 4;

OptimizerTerms terms_of(const OptimizerDesc& d) {
  const auto narrow = [](double x) { return static_cast<float>(x); };
  const bool adam = d.kind == Kind::kAdam, keras = d.variant == OptimizerDesc::Variant::kKeras;
  const double keep1 = adam ? d.beta1 : d.rho, keep2 = adam ? d.beta2 : d.rho;
  const bool inside = d.kind == Kind::kRmsprop && keras;
  OptimizerTerms terms{};
  terms.keep1 = narrow(keep1);
  terms.share1 = narrow(1 - keep1);
  terms.keep2 = narrow(keep2);
  terms.share2 = narrow(1 - keep2);
  terms.inside = inside ? narrow(d.eps) : 0;
  terms.outside = inside ? 0 : narrow(d.eps);
  terms.momentum = narrow(d.momentum);
  terms.fresh = d.kind == Kind::kSgd ? narrow(1 - d.dampening) : 1;
  terms.clip_value = narrow(d.clip_value);
  terms.weight_decay = narrow(d.weight_decay);
  terms.weight_clip = narrow(d.weight_clip);
  terms.keras = keras;
  terms.nesterov = d.kind == Kind::kSgd && d.nesterov;
  terms.centered = d.centered;
  terms.decoupled = d.decoupled;
  terms.beta1 = d.beta1;
  terms.beta2 = d.beta2;
  terms.ema_decay = d.ema_decay;
  terms.ema_start = d.ema_start;
  return terms;
}

bool aligned(const OptimizerArrays& a) {
  bool all = cuda::aligned_to_pack(a.p) && cuda::aligned_to_pack(a.grad);
  for (const float* state : a.state) all = all && cuda::aligned_to_pack(state);
  return all && cuda::aligned_to_pack(a.ema) && cuda::aligned_to_pack(a.copy);
}

template <Kind kKind, int kStates>
std::shared_ptr<Kernel> rule(const OptimizerDesc& d, int64_t resident) {
  const bool ema = d.ema_decay >= 0;
  const size_t copy = 1 + kStates + (ema ? 1 : 0), in = copy + (d.narrow ? 1 : 0);
  const OptimizerTerms terms = terms_of(d);
  return cuda::launched(in + 5, 0, [=](Stream& stream, const Args& a) {
    OptimizerArrays arrays{};
    arrays.p = a.real(0);
    for (int s = 0; s < kStates; ++s) arrays.state[s] = a.real(static_cast<size_t>(1 + s));
    if (ema) arrays.ema = a.real(1 + kStates);
    if (d.narrow) {
      arrays.copy = a.view(copy).data;
      arrays.copy_type = a.dtype(copy);
    }
    arrays.grad = a.real(in);
    arrays.lr = a.real(in + 1);
    arrays.t = a.counter(in + 2);
    arrays.grad_scale = a.real(in + 3);
    arrays.found = a.real(in + 4);
    const int64_t width = aligned(arrays) ? cuda::kMapWidth : 1;
    const auto kernel = width > 1 ? cuda::optimizer_kernel<cuda::kMapWidth, kKind, kStates>
                                  : cuda::optimizer_kernel<1, kKind, kStates>;
    const int64_t needed = (d.size / width + cuda::kBlock - 1) / cuda::kBlock;
    const unsigned blocks =
        static_cast<unsigned>(std::clamp<int64_t>(needed, int64_t{1}, resident));
    cuda::launch(kernel, {dim3(blocks), cuda::kBlock, 0}, stream, terms, arrays, d.size);
  });
}

}  // namespace

CudaKernels::Made CudaKernels::make_optimizer(const OptimizerDesc& d) {
  const int64_t resident = kResident * device_.multiprocessors();
  const int states = optimizer_states(d);
  switch (d.kind) {
    case Kind::kSgd:
      return states == 0 ? rule<Kind::kSgd, 0>(d, resident) : rule<Kind::kSgd, 1>(d, resident);
    case Kind::kAdam:
      return rule<Kind::kAdam, 2>(d, resident);
    case Kind::kRmsprop:
      if (states == 1) return rule<Kind::kRmsprop, 1>(d, resident);
      if (states == 2) return rule<Kind::kRmsprop, 2>(d, resident);
      return rule<Kind::kRmsprop, 3>(d, resident);
  }
  return nullptr;
}

CudaKernels::Made CudaKernels::make_schedule(const ScheduleDesc& d) {
  return cuda::launched(2, 0, [d](Stream& stream, const Args& a) {
    cuda::launch(cuda::schedule_kernel, {dim3(1), cuda::kWarp, 0}, stream, d, a.real(0),
                 a.counter(1));
  });
}

CudaKernels::Made CudaKernels::make_loss_scale(const LossScaleDesc& d) {
  return cuda::launched(7, 0, [d](Stream& stream, const Args& a) {
    cuda::launch(cuda::loss_scale_kernel, {dim3(1), cuda::kWarp, 0}, stream, d, a.real(0),
                 a.real(1), a.real(2), a.real(3), a.counter(4), a.real(5), a.real(6));
  });
}

CudaKernels::Made CudaKernels::make_advance(const AdvanceDesc& d) {
  return cuda::launched(4, 0, [d](Stream& stream, const Args& a) {
    cuda::launch(cuda::advance_kernel, {dim3(1), cuda::kWarp, 0}, stream, d, a.counter(0),
                 a.counter(1), a.counter(2), a.real(3));
  });
}

}  // namespace gantry
