// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gantry {

// Counts heap allocations (operator new, malloc, calloc, realloc and aligned kinds, of every
// thread of the process) made while it lives. Link gantry_test_support to use it. Under a
// sanitizer, which owns malloc, it counts nothing and supported() is false.
//
// No caller can keep oneDNN from making a few small allocations inside every
// dnnl_primitive_execute (its argument map), nor GCC's OpenMP runtime from making a team object
// when a parallel region has another number of threads than the one before, nor the threads that it
// may start then. These are counted apart.
class MallocCount {
 public:
  MallocCount();
  int64_t count() const;        // all but those of the runtimes
  int64_t in_runtimes() const;  // made by code of libdnnl, libgomp or the loader
  static bool supported();

 private:
  int64_t start_, start_in_runtimes_;
};

}  // namespace gantry
