// SPDX-License-Identifier: Apache-2.0
// Ops still to be written; each line goes when its op lands.
#include "kernels/cpu/cpu_backend.h"

namespace gantry {

CpuKernels::Made CpuKernels::make_upsample(const UpsampleDesc&, LinearPass) { throw EnvironmentError("upsample"); }
CpuKernels::Made CpuKernels::make_pool(const PoolDesc&, PoolPass) { throw EnvironmentError("pool"); }
CpuKernels::Made CpuKernels::make_pad(const PadDesc&, LinearPass) { throw EnvironmentError("pad"); }
CpuKernels::Made CpuKernels::make_channel_concat(const ConcatDesc&, LinearPass) { throw EnvironmentError("channel_concat"); }
CpuKernels::Made CpuKernels::make_spectral_norm(const SpectralNormDesc&, SpectralNormPass) { throw EnvironmentError("spectral_norm"); }

}  // namespace gantry
