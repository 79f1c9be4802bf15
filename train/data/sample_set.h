// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "train/data/config.h"

namespace gantry {

struct Image;

// A whole set, decoded: samples one after the other, N,H,W,C, as bytes or (npy, Gaussians) floats.
struct SampleSet {
  Shape sample;  // n = 1
  int64_t count = 0;
  std::vector<uint8_t> bytes;            // count x sample, or empty
  std::vector<float> reals;              // count x sample, or empty
  std::vector<int32_t> labels;           // count, or empty
  std::vector<std::string> class_names;  // one per class; empty: no labels
  std::vector<std::string> names;        // files of the samples where each has one, else empty
  std::string description;
  struct BadImage {
    std::string file, reason;
  };
  std::vector<BadImage> bad;  // left out (data.on_bad = skip)
};

// Takes images of any size in 1 or 3 channels and stores them as the config wants them: channels,
// center_crop, size. With channels 0 the set turns from grey to colour at the first colour image.
class SampleStore {
 public:
  SampleStore(const DataConfig& config, std::string place);

  // Crop and resize; no state is touched, so that threads can prepare images side by side.
  Image prepare(Image image, const std::string& file) const;
  // Announces at least `count` more images of a stored size (0: not known yet), before the first is
  // prepared: MemoryError where they cannot stay within data.memory_mb.
  void reserve(int64_t count, const Shape& stored);
  // Appends a prepared image. DataError where its size differs from the first, MemoryError beyond
  // data.memory_mb.
  void append(const Image& image, const std::string& file, int32_t label);

  SampleSet take();
  int64_t count() const { return set_.count; }

 private:
  void set_shape(const Image& first, const std::string& file);
  void turn_to_color();
  void check_memory(int64_t count, const Shape& sample) const;

  const DataConfig& config_;
  std::string place_, first_file_;
  int64_t expected_ = 0;  // images in all, as far as announced
  SampleSet set_;
};

// Checks labels against class_names and sizes of the parts against each other.
void validate(const SampleSet& set, const std::string& place);

// data.classes, data.skip and data.subset.
void select_samples(SampleSet& set, const DataConfig& config, const std::string& place);

// Reads and decodes the set that the config names, without selection.
SampleSet load_samples(const DataConfig& config);

}  // namespace gantry
