// SPDX-License-Identifier: Apache-2.0
#include "train/data/source.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "train/data/augment.h"
#include "train/data/cifar.h"
#include "train/data/idx.h"
#include "train/data/images.h"
#include "train/data/npy.h"
#include "train/data/sample_set.h"
#include "train/data/shuffle.h"
#include "train/data/stacked.h"
#include "train/data/synthetic.h"

namespace gantry {
namespace {

std::string place_of(const DataConfig& config) {
  return is_synthetic(config.source) ? data_source_name(config.source) : config.path;
}

// A decoded set in memory.
class StoredSource : public DataSource {
 public:
  StoredSource(SampleSet set, const DataConfig& config, uint64_t seed)
      : set_(std::move(set)),
        augment_(config.augment),
        augments_(augment_.any()),
        shuffle_(config.shuffle),
        seed_(seed),
        low_(config.range[0]),
        high_(config.range[1]),
        augment_key_(random_key(seed, Purpose::kAugment)) {
    for (size_t i = 0; i < table_.size(); ++i) {
      table_[i] = static_cast<float>(low_ + (high_ - low_) * static_cast<double>(i) / 255.0);
    }
    info_.sample = augmented_shape(augment_, set_.sample);
    info_.count = set_.count;
    info_.classes = static_cast<int64_t>(set_.class_names.size());
    info_.class_names = set_.class_names;
    info_.description = concat(set_.description, ": ", set_.count, " samples of ", info_.sample.c,
                               "x", info_.sample.h, "x", info_.sample.w);
    if (info_.classes > 0) info_.description += concat(" in ", info_.classes, " classes");
  }

  const DataInfo& info() const override { return info_; }

  void read(uint64_t first, int64_t count, float* images, float* labels) const override {
    const auto size = static_cast<uint64_t>(set_.count);
    for (int64_t i = 0; i < count; ++i) {
      const uint64_t global = first + static_cast<uint64_t>(i);
      const auto position = static_cast<int64_t>(global % size);
      const int64_t index =
          shuffle_ ? shuffled(seed_, global / size, position, set_.count) : position;
      if (images) read_sample(index, global, images + i * info_.sample.elements());
      if (labels && info_.classes > 0) labels[i] = static_cast<float>(set_.labels[index]);
    }
  }

  std::optional<StoredSet> stored() const override {
    if (set_.bytes.empty() || augment_.rotation > 0) return std::nullopt;
    DecodeDesc d;
    d.y = info_.sample;
    d.count = set_.count;
    d.h = set_.sample.h;
    d.w = set_.sample.w;
    d.labels = info_.classes > 0;
    d.shuffle = shuffle_;
    d.flip = augment_.flip;
    d.vertical_flip = augment_.vertical_flip;
    d.shift = augment_.shift;
    d.fill = static_cast<uint8_t>(augment_.fill);
    d.low = low_;
    d.high = high_;
    d.seed = seed_;
    return StoredSet{set_.bytes, set_.labels, d};
  }

 private:
  void read_sample(int64_t index, uint64_t global, float* out) const {
    const int64_t size = set_.sample.elements();
    StoredSample sample;
    sample.shape = set_.sample;
    sample.table = table_.data();
    if (set_.bytes.empty()) {
      sample.reals = set_.reals.data() + index * size;
    } else {
      sample.bytes = set_.bytes.data() + index * size;
    }
    if (!augments_) {
      for (int64_t i = 0; i < size; ++i) out[i] = sample.value(i);
      return;
    }
    const Augmentation drawn = draw_augmentation(augment_, augment_key_, global, set_.sample);
    apply_augmentation(drawn, sample, table_[augment_.fill], info_.sample, out);
  }

  SampleSet set_;
  AugmentConfig augment_;
  bool augments_, shuffle_;
  uint64_t seed_;
  double low_, high_;
  RandomKey augment_key_;
  std::array<float, 256> table_;
  DataInfo info_;
};

void check_augmentation(const AugmentConfig& augment, const Shape& stored) {
  const Shape cut = augmented_shape(augment, stored);
  if (cut.h > stored.h || cut.w > stored.w) {
    throw ConfigError(concat("data.random_crop is ", cut.h, " x ", cut.w, " but the images are ",
                             stored.h, " x ", stored.w, " (height x width)"));
  }
  if (augment.shift >= std::min(stored.h, stored.w) && augment.shift > 0) {
    throw ConfigError(concat("data.shift is ", augment.shift, " but the images are ", stored.h,
                             " x ", stored.w, " (height x width): nothing would be left"));
  }
}

}  // namespace

SampleSet load_samples(const DataConfig& config) {
  SampleSet set;
  switch (config.source) {
    case DataSourceKind::kMnist:
    case DataSourceKind::kFashionMnist:
      set = load_mnist(config);
      break;
    case DataSourceKind::kStackedMnist:
      set = load_stacked_mnist(config);
      break;
    case DataSourceKind::kIdx:
      set = load_idx(config);
      break;
    case DataSourceKind::kCifar10:
      set = load_cifar10(config);
      break;
    case DataSourceKind::kImages:
      set = load_images(config);
      break;
    case DataSourceKind::kNpy:
      set = load_npy(config);
      break;
    case DataSourceKind::kGlyphs:
      set = make_glyphs(config);
      break;
    case DataSourceKind::kRing:
    case DataSourceKind::kGrid:
      set = make_gaussians(config);
      break;
  }
  validate(set, place_of(config));
  return set;
}

std::unique_ptr<DataSource> open_data(const DataConfig& config, uint64_t seed) {
  SampleSet set = load_samples(config);
  select_samples(set, config, place_of(config));
  check_augmentation(config.augment, set.sample);
  return std::make_unique<StoredSource>(std::move(set), config, seed);
}

}  // namespace gantry
