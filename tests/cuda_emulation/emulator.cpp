// SPDX-License-Identifier: Apache-2.0
// What device code calls, handed to the machine of this host thread.
#include "tests/cuda_emulation/emulator.h"

#include <chrono>

#include "core/error.h"
#include "tests/cuda_emulation/machine.h"

namespace gantry::emulation {

void run_grid(dim3 grid, dim3 block, size_t shared_bytes, void (*body)(const void*),
              const void* argument, size_t bytes) {
  Machine::here().run(grid, block, shared_bytes, body, argument, bytes);
}

namespace {
unsigned along(unsigned axis, const dim3& extent) {
  return axis == 0 ? extent.x : axis == 1 ? extent.y : extent.z;
}
}  // namespace

unsigned thread_index(unsigned axis) { return along(axis, Machine::here().thread_index()); }
unsigned block_index(unsigned axis) { return along(axis, Machine::here().block_index()); }
unsigned block_extent(unsigned axis) { return along(axis, Machine::here().block()); }
unsigned grid_extent(unsigned axis) { return along(axis, Machine::here().grid()); }
unsigned lane() { return Machine::here().index() % 32; }

void sync_threads(std::source_location where) { Machine::here().wait_at_barrier(where); }

void sync_warp(unsigned mask, std::source_location where) {
  Machine::here().exchange(Exchange::kBallot, mask, 1, 0, where);
}

uint64_t exchange(Exchange kind, unsigned mask, uint64_t value, unsigned source,
                  std::source_location where) {
  return Machine::here().exchange(kind, mask, value, source, where);
}

void* shared_array(const void* key, size_t bytes) {
  return Machine::here().shared_array(key, bytes);
}
void* dynamic_shared() { return Machine::here().dynamic_shared(); }

void check_aligned(const void* address, size_t bytes) {
  if (reinterpret_cast<uintptr_t>(address) % bytes != 0)
    Machine::here().stop(concat("an access of ", bytes, " bytes that is not aligned"));
}

int64_t nanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

}  // namespace gantry::emulation
