// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "core/error.h"
#include "train/data/idx.h"

// IDX, plain and gzip: read whole, or refused with a DataError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kLimit = uint64_t{1} << 20;
  try {
    const gantry::IdxArray array = gantry::parse_idx({data, size}, "x", {1, 3, 4}, kLimit);
    size_t elements = 1;
    for (const int64_t axis : array.axes) elements *= static_cast<size_t>(axis);
    if (array.values.size() != elements || elements > kLimit) __builtin_trap();
  } catch (const gantry::DataError&) {
  }
  return 0;
}
