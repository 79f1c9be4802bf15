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
  kStackedMnist,
  kIdx,
  kCifar10,
  kImages,
  kNpy,
  kGlyphs,
  kRing,
  kGrid,
};
enum class DataSplit : uint8_t { kTrain, kTest, kAll };
enum class ImageFit : uint8_t { kCover, kStretch };  // crop what sticks out, or distort
enum class BadImage : uint8_t { kError, kSkip };
enum class ArrayLayout : uint8_t { kNhwc, kNchw };

const char* data_source_name(DataSourceKind source);
bool is_synthetic(DataSourceKind source);  // needs no file
bool is_digits(DataSourceKind source);     // reads the four files of MNIST or its like

// Random changes of a sample as it is read: flips; then rotation about the centre and shift in one
// resampling (bilinear; whole pixels are copied when rotation is 0); then a random window. Each
// draw is keyed by (seed, global sample index).
struct AugmentConfig {
  bool flip = false, vertical_flip = false;  // each with probability 1/2
  double rotation = 0;                       // degrees, uniform in [-rotation, rotation]
  int64_t shift = 0;                         // pixels, uniform in [-shift, shift], both directions
  std::array<int64_t, 2> random_crop = {0, 0};  // height and width of the window; 0: none
  int64_t fill = 0;  // 0..255, scaled like the data: what comes in from outside

  bool any() const {
    return flip || vertical_flip || rotation > 0 || shift > 0 ||
           random_crop[0] + random_crop[1] > 0;
  }
};

// "data": where samples come from and what is done to each before the networks see it.
// What is done once, when the set is opened: channels, center_crop, size; then classes, skip,
// subset. Each time a sample is read: augment, range.
constexpr int64_t kMegabyte = int64_t{1} << 20;  // what data.memory_mb counts

struct DataConfig {
  DataSourceKind source = DataSourceKind::kMnist;
  std::string path;
  std::string labels;  // idx, npy: file of labels; npz: name of the array
  std::string array;   // npz: name of the array of samples
  ArrayLayout layout = ArrayLayout::kNhwc;
  std::vector<double> value_range;  // npy of floats: what becomes `range`; empty: taken as they are
  DataSplit split = DataSplit::kTrain;

  int64_t channels = 0;                         // 0: as stored
  std::array<int64_t, 2> center_crop = {0, 0};  // before resizing; 0: none
  std::array<int64_t, 2> size = {0, 0};         // 0: as stored
  ImageFit fit = ImageFit::kCover;
  std::vector<int64_t> background = {255, 255, 255};  // behind transparent pixels
  BadImage on_bad = BadImage::kError;
  int64_t max_bad = 100;

  int64_t modes = 8;        // ring: points on the circle; grid: points along a side
  double extent = 2;        // ring: radius; grid: spacing
  double spread = 0.02;     // standard deviation of each Gaussian
  int64_t glyphs = 10;      // glyphs: classes
  double jitter = 1;        // glyphs: strength of the affine variation
  int64_t samples = 10000;  // glyphs, ring, grid, stacked_mnist: size of the set

  std::vector<int64_t> classes;  // empty: all
  int64_t skip = 0, subset = 0;
  std::vector<double> range = {-1, 1};
  AugmentConfig augment;
  bool shuffle = true;
  int64_t memory_mb = 8192;  // bound of the decoded set
  bool on_device = true;     // where it fits the memory of a GPU
  int64_t prefetch_threads = 1, prefetch_depth = 4;

  void describe(Fields& f);

 private:
  void describe_source(Fields& f);
  void describe_images(Fields& f);
  void describe_augment(Fields& f);
  void describe_selection(Fields& f);
};

}  // namespace gantry
