// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.h"

namespace gantry {

// What a device reaches at most, as measured: what shares of the peak and of the floor refer to.
struct DeviceLimits {
  double flops_per_s = 0;  // a large matrix product through Kernels::dense
  double bytes_per_s = 0;  // a large copy through Kernels::sum, bytes read plus written
};

// The best of several runs of each. The sizes grow until a run takes milliseconds, or an eighth of
// the device's memory.
DeviceLimits measure_limits(Backend& backend, Stream& stream);

}  // namespace gantry
