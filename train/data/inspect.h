// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/data/config.h"
#include "train/data/source.h"

namespace gantry {

// A config for whatever lies at `path`, by its name and contents: a folder of IDX files, CIFAR-10,
// images or an archive of them, npy, a single IDX file. DataError when it is none of them.
DataConfig guess_data(const std::string& path);

struct DataSummary {
  float lowest = 0, highest = 0;  // of the values handed to the network, without augmentation
  double mean = 0, deviation = 0;
  std::vector<int64_t> histogram;  // samples per class
};
DataSummary summarize(const DataSource& source);

// Everything decoded, with a SHA-256 for each image file (of its bytes) or, for other sets, each
// sample (of its decoded values).
struct Verification {
  struct Item {
    std::string name, sha256;
  };
  std::vector<Item> items;  // in the order of the set
  std::vector<Item> bad;    // name and reason
  struct Duplicate {
    std::string name, same_as;
  };
  std::vector<Duplicate> duplicates;
};
Verification verify_data(const DataConfig& config);

}  // namespace gantry
