// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "core/error.h"
#include "train/data/npy.h"

// npy: every value readable, or refused with a DataError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const gantry::NpyArray array = gantry::parse_npy({data, size}, "x");
    double sum = 0;
    for (int64_t i = 0; i < array.elements(); ++i) {
      sum += array.real(i);
      if (array.kind != 'f') sum += static_cast<double>(array.integer(i));
    }
    if (sum == 12345.678) return 0;  // keeps the loop
  } catch (const gantry::DataError&) {
  }
  return 0;
}
