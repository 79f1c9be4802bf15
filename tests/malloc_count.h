// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gantry {

// Counts heap allocations (operator new, malloc, calloc, realloc and aligned kinds, of every
// thread of the process) made while it lives. Link gantry_test_support to use it. Under a
// sanitizer, which owns malloc, it counts nothing and supported() is false.
//
// oneDNN makes a few small allocations inside every dnnl_primitive_execute (its argument map),
// which no caller can prevent; they are counted apart.
class MallocCount {
 public:
  MallocCount();
  int64_t count() const;      // all but oneDNN's own
  int64_t in_onednn() const;  // made by code of libdnnl
  static bool supported();

 private:
  int64_t start_, start_in_onednn_;
};

}  // namespace gantry
