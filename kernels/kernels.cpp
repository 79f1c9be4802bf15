// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernels.h"

#include "kernels/check.h"

namespace gantry {

KernelPtr Kernels::conv2d(const Conv2dDesc& desc, Conv2dPass pass) {
  check(desc, pass);
  Made kernel = make_conv2d(desc, pass);
  kernel->set_flops(conv2d_flops(desc));
  return kernel;
}

KernelPtr Kernels::dense(const DenseDesc& desc, DensePass pass) {
  check(desc, pass);
  Made kernel = make_dense(desc, pass);
  kernel->set_flops(dense_flops(desc));
  return kernel;
}

KernelPtr Kernels::bias_grad(const BiasGradDesc& desc) {
  check_shape(desc.dy);
  return make_bias_grad(desc);
}

KernelPtr Kernels::bias_add(const BiasAddDesc& desc) {
  check_shape(desc.x);
  return make_bias_add(desc);
}

KernelPtr Kernels::activation(const ActivationDesc& desc, ActivationPass pass) {
  check_shape(desc.x);
  check(desc.activation);
  return make_activation(desc, pass);
}

KernelPtr Kernels::norm(const NormDesc& desc, NormPass pass) {
  check_shape(desc.x);
  check(desc.activation);
  return make_norm(desc, pass);
}

KernelPtr Kernels::upsample(const UpsampleDesc& desc, LinearPass pass) {
  return make_upsample(desc, pass);
}

KernelPtr Kernels::pool(const PoolDesc& desc, PoolPass pass) { return make_pool(desc, pass); }

KernelPtr Kernels::pad(const PadDesc& desc, LinearPass pass) { return make_pad(desc, pass); }

KernelPtr Kernels::channel_concat(const ConcatDesc& desc, LinearPass pass) {
  return make_channel_concat(desc, pass);
}

KernelPtr Kernels::sum(const SumDesc& desc) { return make_sum(desc); }

KernelPtr Kernels::dropout(const DropoutDesc& desc) { return make_dropout(desc); }

KernelPtr Kernels::random(const RandomDesc& desc) { return make_random(desc); }

KernelPtr Kernels::one_hot(const OneHotDesc& desc) { return make_one_hot(desc); }

KernelPtr Kernels::target(const TargetDesc& desc) { return make_target(desc); }

KernelPtr Kernels::instance_noise(const InstanceNoiseDesc& desc) {
  return make_instance_noise(desc);
}

KernelPtr Kernels::loss(const LossDesc& desc, bool gradient) { return make_loss(desc, gradient); }

KernelPtr Kernels::reduce(const ReduceDesc& desc) { return make_reduce(desc); }

KernelPtr Kernels::optimizer(const OptimizerDesc& desc) { return make_optimizer(desc); }

KernelPtr Kernels::grad_norm(const GradNormDesc& desc) { return make_grad_norm(desc); }

KernelPtr Kernels::schedule(const ScheduleDesc& desc) { return make_schedule(desc); }

KernelPtr Kernels::advance(const AdvanceDesc& desc) { return make_advance(desc); }

KernelPtr Kernels::spectral_norm(const SpectralNormDesc& desc, SpectralNormPass pass) {
  return make_spectral_norm(desc, pass);
}

}  // namespace gantry
