// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "train/data/bytes.h"
#include "train/data/sample_set.h"

namespace gantry {

// An array of bytes in the IDX format of MNIST: 0, 0, type, number of axes; each axis as a
// big-endian 32-bit count; then the values. Other types than unsigned bytes are refused.
struct IdxArray {
  std::vector<int64_t> axes;
  Bytes values;
};

// Plain or gzip. `axes_allowed`: numbers of axes that suit. At most `limit` bytes of values.
IdxArray parse_idx(ByteView bytes, const std::string& file, std::vector<int64_t> axes_allowed,
                   uint64_t limit);

// The four standard files of MNIST and its likes in a folder (or its raw/, MNIST/raw/ or
// FashionMNIST/raw/), plain or .gz.
SampleSet load_mnist(const DataConfig& config);
// One IDX file of images (N,H,W or N,H,W,C) and, if named, one of labels.
SampleSet load_idx(const DataConfig& config);

}  // namespace gantry
