// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include "kernels/cpu/cpu_device.h"

namespace gantry {

struct CpuDevice::Library {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
};

struct CpuStream::Library {
  dnnl::stream stream;
};

}  // namespace gantry
