// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>

namespace gantry {

// Runs work(0) .. work(count - 1) on this thread and others of this process, in no order, and
// returns when all are done; the first exception that came out is thrown again. For preparation on
// the host (decoding, drawing, initial weights), not for what a step does: threads are started and
// joined each time.
void host_parallel(size_t count, const std::function<void(size_t)>& work);

}  // namespace gantry
