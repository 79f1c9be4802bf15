// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/data/bytes.h"
#include "train/data/sample_set.h"

namespace gantry {

// One array in NumPy's format (NEP 1), versions 1 to 3, little-endian, C order.
struct NpyArray {
  char kind = 'f';  // 'f' real, 'u' unsigned, 'i' signed, 'b' boolean
  int64_t item_bytes = 0;
  std::vector<int64_t> axes;
  ByteView values;  // into the bytes given

  int64_t elements() const;
  double real(int64_t index) const;
  int64_t integer(int64_t index) const;  // of the kinds u, i and b
};

// DataError for anything but a complete array: header, order, type, size.
NpyArray parse_npy(ByteView bytes, const std::string& file);

// A .npy file, or an array of a .npz.
SampleSet load_npy(const DataConfig& config);

}  // namespace gantry
