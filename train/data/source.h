// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "kernels/ops/decode.h"
#include "train/data/config.h"

namespace gantry {

struct DataInfo {
  Shape sample;                          // n = 1
  int64_t count = 0;                     // samples of an epoch
  int64_t classes = 0;                   // 0: no labels
  std::vector<std::string> class_names;  // one per class
  std::string description;               // one line
};

// A decoded set as it lies in memory, and how samples of the stream are read from it: desc.y is
// that of one sample.
struct StoredSet {
  std::span<const uint8_t> samples;  // desc.stored()
  std::span<const int32_t> classes;  // one per sample, or none
  DecodeDesc desc;
};

// An endless stream of samples. Sample g of the stream is number g mod count of epoch g div count;
// every epoch is a permutation of the set of its own (Philox, Purpose::kShuffle), and every
// augmentation is keyed by (seed, g) (Purpose::kAugment). So sample g depends on the set, the seed
// and g alone: not on the batch size, the number of threads, or what was read before.
class DataSource {
 public:
  virtual ~DataSource() = default;

  virtual const DataInfo& info() const = 0;

  // Writes samples first .. first + count - 1 of the stream: `images` count x H x W x C floats in
  // the configured range, `labels` count class numbers as floats, or nullptr when not wanted
  // (untouched when the set has none). Thread-safe; allocates nothing.
  virtual void read(uint64_t first_global_sample, int64_t count, float* images,
                    float* labels) const = 0;

  // For devices that read the stream themselves; the memory is the source's. Empty where the
  // decode op cannot do what read() does (rotation, floats).
  virtual std::optional<StoredSet> stored() const { return std::nullopt; }
};

// Opens and decodes the set that the config names; everything wrong with it is a DataError that
// names the file, what was looked for, what was found, and the remedy. A value of the config that
// does not suit the set (class 12 of 10, a crop larger than the image) is a ConfigError.
std::unique_ptr<DataSource> open_data(const DataConfig& config, uint64_t seed);

}  // namespace gantry
