// SPDX-License-Identifier: Apache-2.0
// Ops still to be written; each line goes when its op lands.
#include "kernels/cpu/cpu_backend.h"

namespace gantry {

CpuKernels::Made CpuKernels::make_activation(const ActivationDesc&, ActivationPass) { throw EnvironmentError("activation"); }
CpuKernels::Made CpuKernels::make_norm(const NormDesc&, NormPass) { throw EnvironmentError("norm"); }
CpuKernels::Made CpuKernels::make_upsample(const UpsampleDesc&, LinearPass) { throw EnvironmentError("upsample"); }
CpuKernels::Made CpuKernels::make_pool(const PoolDesc&, PoolPass) { throw EnvironmentError("pool"); }
CpuKernels::Made CpuKernels::make_pad(const PadDesc&, LinearPass) { throw EnvironmentError("pad"); }
CpuKernels::Made CpuKernels::make_channel_concat(const ConcatDesc&, LinearPass) { throw EnvironmentError("channel_concat"); }
CpuKernels::Made CpuKernels::make_sum(const SumDesc&) { throw EnvironmentError("sum"); }
CpuKernels::Made CpuKernels::make_dropout(const DropoutDesc&) { throw EnvironmentError("dropout"); }
CpuKernels::Made CpuKernels::make_random(const RandomDesc&) { throw EnvironmentError("random"); }
CpuKernels::Made CpuKernels::make_one_hot(const OneHotDesc&) { throw EnvironmentError("one_hot"); }
CpuKernels::Made CpuKernels::make_target(const TargetDesc&) { throw EnvironmentError("target"); }
CpuKernels::Made CpuKernels::make_instance_noise(const InstanceNoiseDesc&) { throw EnvironmentError("instance_noise"); }
CpuKernels::Made CpuKernels::make_loss(const LossDesc&, bool) { throw EnvironmentError("loss"); }
CpuKernels::Made CpuKernels::make_reduce(const ReduceDesc&) { throw EnvironmentError("reduce"); }
CpuKernels::Made CpuKernels::make_optimizer(const OptimizerDesc&) { throw EnvironmentError("optimizer"); }
CpuKernels::Made CpuKernels::make_grad_norm(const GradNormDesc&) { throw EnvironmentError("grad_norm"); }
CpuKernels::Made CpuKernels::make_schedule(const ScheduleDesc&) { throw EnvironmentError("schedule"); }
CpuKernels::Made CpuKernels::make_advance(const AdvanceDesc&) { throw EnvironmentError("advance"); }
CpuKernels::Made CpuKernels::make_spectral_norm(const SpectralNormDesc&, SpectralNormPass) { throw EnvironmentError("spectral_norm"); }

}  // namespace gantry
