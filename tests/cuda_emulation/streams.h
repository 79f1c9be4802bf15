// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "tests/cuda_emulation/include/cuda_runtime.h"

// Streams, events and captures of the emulated runtime library. Work is done as soon as it is
// queued, unless what is before it waits for another rank: then when the host asks for the stream.
namespace gantry::emulation {

// Returns whether it is done. Where it is not, it is tried again later, and what follows it waits.
using Work = std::function<bool()>;
// Makes the work for one launch of what a stream has captured.
using WorkOfLaunch = std::function<Work()>;

// Queues work, or takes it down where the stream captures.
void queue_work(cudaStream_t stream, WorkOfLaunch work);
// Whether work that is queued now is done at once, by the caller: it counts as queued then. Nothing
// is allocated for it, so that allocations of what is tested can be counted.
bool takes_now(cudaStream_t stream);
// Work that waits for nothing itself.
template <typename Call>
void queue(cudaStream_t stream, const Call& call) {
  if (takes_now(stream)) return call();
  queue_work(stream, [call] {
    return [call] {
      call();
      return true;
    };
  });
}
bool capturing(cudaStream_t stream);
// Whether a capture that this thread has begun goes on: then calls that wait or allocate are
// refused.
bool thread_captures();
// How much has been queued on the stream, or taken down.
int64_t work_queued(cudaStream_t stream);
// Whether work waits on it, so that what is queued now is done later.
bool has_pending(cudaStream_t stream);

}  // namespace gantry::emulation
