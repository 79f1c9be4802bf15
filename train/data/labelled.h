// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "train/data/source.h"

namespace gantry {

// Samples of a set whose labels are known, while those of the others are not looked at.
struct LabelledSubset {
  std::vector<uint8_t> samples;
  std::vector<int32_t> classes;
  DecodeDesc desc;

  StoredSet stored() const { return {samples, classes, desc}; }
};

// The first `per_class` samples of each class in the order of the stream's first epoch: another
// seed, another subset, each the same on every machine. ConfigError where a class has fewer, or
// where devices cannot read the set (DataSource::stored).
LabelledSubset first_of_each_class(const DataSource& source, int64_t per_class);

}  // namespace gantry
