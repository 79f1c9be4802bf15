// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <stdexcept>
#include <string>

#include "tests/cuda_emulation/include/cuda_types.h"

// A GPU on the CPU: the threads of a block are fibers, blocks run one after the other. Device code
// is compiled with the compiler's instrumentation for thread sanitizers, whose calls come here
// (memory_checks.cpp): so every access of a kernel is seen. A kernel is stopped with a Defect at
//  - an access to global memory that nobody allocated, or past the end of a shared array;
//  - a load or store that is not aligned to its own size;
//  - a read of shared or global memory that nobody has written;
//  - a __syncthreads that not all threads of the block reach, or at different places;
//  - a shuffle or vote with lanes that do not take part;
//  - two threads of a block that touch the same byte without a __syncthreads between, or two blocks
//    of one launch that do, at least one of them writing.
// The libraries' stand-ins are held to the same memory (library_ops.cpp).
namespace gantry::emulation {

class Defect : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Runs `body(argument)` once per thread of the grid. [parameters, + bytes) may be read by device
// code: it is what the kernel is called with.
void run_grid(dim3 grid, dim3 block, size_t shared_bytes, void (*body)(const void*),
              const void* argument, size_t bytes);

// Of the thread that runs, along axis 0, 1 or 2.
unsigned thread_index(unsigned axis);
unsigned block_index(unsigned axis);
unsigned block_extent(unsigned axis);
unsigned grid_extent(unsigned axis);
unsigned lane();

void sync_threads(std::source_location where);
void sync_warp(unsigned mask, std::source_location where);
// The value that lane `source` of this warp gave, of all lanes in `mask`.
enum class Exchange : uint8_t { kShuffle, kBallot };
uint64_t exchange(Exchange kind, unsigned mask, uint64_t value, unsigned source,
                  std::source_location where);

void* shared_array(const void* key, size_t bytes);
void* dynamic_shared();
void check_aligned(const void* address, size_t bytes);

// Memory that device code may touch.
void* allocate(size_t bytes);
void release(void* data);
size_t allocated_bytes();
// What the host does to memory of the device: a copy or memset into it, a library that works on it.
// Neither complains of memory that is not the device's, check_range does (Defect, naming `what`).
void mark_written(const void* data, size_t bytes);
void check_range(const void* data, size_t bytes, bool written, const char* what);
// How many GPUs there are, from now on; at first one.
void set_devices(int count);
// Of the clock that kernels read.
int64_t nanoseconds();
// An atomic access: checked like any other but for races.
void check_atomic(const void* address, size_t bytes);
int atomic_add(int* address, int value);
unsigned atomic_add(unsigned* address, unsigned value);
unsigned long long atomic_add(unsigned long long* address, unsigned long long value);

}  // namespace gantry::emulation
