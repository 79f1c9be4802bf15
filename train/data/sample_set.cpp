// SPDX-License-Identifier: Apache-2.0
#include "train/data/sample_set.h"

#include <algorithm>
#include <cmath>

#include "core/png.h"
#include "train/data/resample.h"

namespace gantry {
namespace {

void append_as(const Image& image, int64_t channels, std::vector<uint8_t>& out) {
  if (image.channels == channels) {
    out.insert(out.end(), image.pixels.begin(), image.pixels.end());
  } else if (channels == 1) {
    for (size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
      out.push_back(luma(&image.pixels[i]));
    }
  } else {
    for (const uint8_t value : image.pixels) out.insert(out.end(), 3, value);
  }
}

template <typename T>
void keep_only(std::vector<T>& values, const std::vector<int64_t>& kept, size_t width) {
  if (values.empty()) return;
  // `kept` rises, so samples only ever move towards the front.
  for (size_t i = 0; i < kept.size(); ++i) {
    const auto from = static_cast<size_t>(kept[i]);
    if (from != i) {
      std::move(values.begin() + static_cast<ptrdiff_t>(from * width),
                values.begin() + static_cast<ptrdiff_t>((from + 1) * width),
                values.begin() + static_cast<ptrdiff_t>(i * width));
    }
  }
  values.resize(kept.size() * width);
  values.shrink_to_fit();
}

std::vector<int64_t> samples_of_classes(const SampleSet& set, const DataConfig& config,
                                        std::vector<int32_t>& renumbered,
                                        const std::string& place) {
  renumbered.assign(set.class_names.size(), -1);
  for (size_t i = 0; i < config.classes.size(); ++i) {
    const int64_t wanted = config.classes[i];
    if (set.class_names.empty()) {
      throw ConfigError(concat("data.classes: ", place, " has no labels to select by"));
    }
    if (wanted >= static_cast<int64_t>(set.class_names.size())) {
      throw ConfigError(concat("data.classes: there is no class ", wanted, " in ", place,
                               ", which has ", set.class_names.size(), " (0 to ",
                               set.class_names.size() - 1, ")"));
    }
    if (renumbered[wanted] >= 0) {
      throw ConfigError(concat("data.classes: class ", wanted, " is listed twice"));
    }
    renumbered[wanted] = static_cast<int32_t>(i);
  }
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < set.count; ++i) {
    if (config.classes.empty() || renumbered[set.labels[i]] >= 0) kept.push_back(i);
  }
  return kept;
}

}  // namespace

SampleStore::SampleStore(const DataConfig& config, std::string place)
    : config_(config), place_(std::move(place)) {}

Image SampleStore::prepare(Image image, const std::string& file) const {
  const auto [crop_h, crop_w] = config_.center_crop;
  if (crop_h > 0 || crop_w > 0) {
    const int64_t height = crop_h > 0 ? crop_h : image.height;
    const int64_t width = crop_w > 0 ? crop_w : image.width;
    if (height > image.height || width > image.width) {
      throw ConfigError(concat("data.center_crop is ", height, " x ", width, " but ", file, " is ",
                               image.height, " x ", image.width, " pixels (height x width)"));
    }
    image = center_cut(image, height, width);
  }
  const auto [size_h, size_w] = config_.size;
  if (size_h == 0 && size_w == 0) return image;
  const int64_t height = size_h > 0 ? size_h : image.height;
  const int64_t width = size_w > 0 ? size_w : image.width;
  if (height == image.height && width == image.width) return image;
  return resize(image, height, width, config_.fit);
}

void SampleStore::set_shape(const Image& first, const std::string& file) {
  set_.sample = {1, config_.channels > 0 ? config_.channels : first.channels, first.height,
                 first.width};
  first_file_ = file;
  check_memory(std::max<int64_t>(expected_, 1), set_.sample);
}

void SampleStore::check_memory(int64_t count, const Shape& sample) const {
  const double needed = static_cast<double>(count) * static_cast<double>(sample.elements());
  if (needed <= static_cast<double>(config_.memory_mb) * kMegabyte) return;
  throw MemoryError(concat(
      place_, ": ", count, " samples of ", sample.c, "x", sample.h, "x", sample.w,
      " (channels x height x width) take ", static_cast<int64_t>(std::ceil(needed / kMegabyte)),
      " MB, but data.memory_mb = ", config_.memory_mb, "; raise it, or choose a smaller data.size",
      is_synthetic(config_.source) ? " or fewer data.samples" : ""));
}

void SampleStore::reserve(int64_t count, const Shape& stored) {
  expected_ = set_.count + std::max<int64_t>(count, 0);
  const auto side = [&](size_t axis, int64_t as_stored) {
    if (config_.size[axis] > 0) return config_.size[axis];
    return config_.center_crop[axis] > 0 ? config_.center_crop[axis] : as_stored;
  };
  const int64_t channels = config_.channels > 0 ? config_.channels : std::max<int64_t>(stored.c, 1);
  const Shape sample = {1, channels, side(0, stored.h), side(1, stored.w)};
  if (sample.elements() == 0) return;  // the first image will tell
  check_memory(expected_, sample);
  set_.bytes.reserve(static_cast<size_t>(expected_ * sample.elements()));
}

void SampleStore::turn_to_color() {
  Shape color = set_.sample;
  color.c = 3;
  check_memory(std::max(expected_, set_.count + 1), color);
  std::vector<uint8_t> pixels;
  pixels.reserve(set_.bytes.size() * 3);
  for (const uint8_t value : set_.bytes) pixels.insert(pixels.end(), 3, value);
  set_.bytes = std::move(pixels);
  set_.sample = color;
}

void SampleStore::append(const Image& image, const std::string& file, int32_t label) {
  if (set_.count == 0) set_shape(image, file);
  if (image.height != set_.sample.h || image.width != set_.sample.w) {
    throw DataError(concat(file, ": is ", image.height, " x ", image.width,
                           " pixels (height x width) but ", first_file_, " is ", set_.sample.h,
                           " x ", set_.sample.w, "; set data.size to bring all to one size"));
  }
  if (config_.channels == 0 && image.channels == 3 && set_.sample.c == 1) turn_to_color();
  check_memory(std::max(expected_, set_.count + 1), set_.sample);
  append_as(image, set_.sample.c, set_.bytes);
  set_.labels.push_back(label);
  ++set_.count;
}

SampleSet SampleStore::take() { return std::move(set_); }

void validate(const SampleSet& set, const std::string& place) {
  if (set.count == 0) throw DataError(place + ": the set has no samples");
  const auto elements = static_cast<size_t>(set.count * set.sample.elements());
  GANTRY_CHECK(set.bytes.size() + set.reals.size() == elements, place, ": ", elements, " values");
  if (set.labels.empty()) return;
  if (set.labels.size() != static_cast<size_t>(set.count)) {
    throw DataError(concat(place, ": there are ", set.count, " samples but ", set.labels.size(),
                           " labels; the two files do not belong together"));
  }
  for (size_t i = 0; i < set.labels.size(); ++i) {
    if (set.labels[i] < 0 || static_cast<size_t>(set.labels[i]) >= set.class_names.size()) {
      throw DataError(concat(place, ": the label of sample ", i, " is ", set.labels[i],
                             "; looked for 0 to ", set.class_names.size() - 1));
    }
  }
}

void select_samples(SampleSet& set, const DataConfig& config, const std::string& place) {
  std::vector<int32_t> renumbered;
  std::vector<int64_t> kept = samples_of_classes(set, config, renumbered, place);
  const auto available = static_cast<int64_t>(kept.size());
  if (config.skip >= available || config.skip + config.subset > available) {
    throw ConfigError(concat("data.skip = ", config.skip, " and data.subset = ", config.subset,
                             " ask for more than the ", available, " samples that ", place,
                             config.classes.empty() ? " has" : " has of these classes"));
  }
  const int64_t end = config.subset > 0 ? config.skip + config.subset : available;
  kept.resize(static_cast<size_t>(end));
  kept.erase(kept.begin(), kept.begin() + static_cast<ptrdiff_t>(config.skip));
  const auto width = static_cast<size_t>(set.sample.elements());
  if (static_cast<int64_t>(kept.size()) < set.count) {
    keep_only(set.bytes, kept, width);
    keep_only(set.reals, kept, width);
    keep_only(set.labels, kept, 1);
    keep_only(set.names, kept, 1);
    set.count = static_cast<int64_t>(kept.size());
  }
  if (config.classes.empty()) return;
  std::vector<std::string> names;
  for (const int64_t wanted : config.classes) names.push_back(set.class_names[wanted]);
  set.class_names = std::move(names);
  for (int32_t& label : set.labels) label = renumbered[label];
}

}  // namespace gantry
