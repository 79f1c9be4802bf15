// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace gantry {

// Limits of the control group (version 2, else 1) that this process runs in, its parents included.
size_t cgroup_memory_limit();  // bytes; SIZE_MAX: none
int cgroup_cpu_limit();        // processors, rounded up; 0: none

}  // namespace gantry
