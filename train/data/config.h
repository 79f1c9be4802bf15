// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/fields.h"

namespace gantry {

enum class DataSourceKind : uint8_t {
  kMnist,
  kFashionMnist,
  kIdx,
  kCifar10,
  kImages,
  kNpy,
  kGlyphs,
  kRing,
  kGrid,
};
enum class DataSplit : uint8_t { kTrain, kTest, kAll };

// "data": where samples come from and what is done to each before the networks see it.
struct DataConfig {
  DataSourceKind source = DataSourceKind::kMnist;
  std::string path;
  std::string labels;  // idx, npy: the file of labels, if there is one
  DataSplit split = DataSplit::kTrain;
  std::vector<double> range = {-1, 1};
  std::array<int64_t, 2> size = {0, 0};  // 0: as stored
  int64_t channels = 0;                  // 0: as stored
  bool center_crop = false;
  bool flip = false;
  int64_t shift = 0;
  double rotation = 0;
  std::vector<int64_t> classes;  // empty: all
  int64_t subset = 0;            // 0: all
  bool shuffle = true;
  int64_t threads = 1;
  int64_t modes = 8;        // ring: points on the circle; grid: points along a side
  double spread = 0.05;     // ring, grid: standard deviation of each Gaussian
  int64_t samples = 10000;  // glyphs, ring, grid: size of the set

  void describe(Fields& f);
};

}  // namespace gantry
