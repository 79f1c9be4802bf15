// SPDX-License-Identifier: Apache-2.0
#include "train/data/npy.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/png.h"
#include "train/data/archive.h"

namespace gantry {
namespace {

constexpr int64_t kMostClasses = 1 << 20;

// The bytes of the arrays of a .npy or .npz file.
class ArrayFile {
 public:
  ArrayFile(const std::string& path, uint64_t limit) : path_(path) {
    Bytes bytes = read_data_file(path, limit, "a .npy or .npz file", "data.memory_mb");
    const bool zip = bytes.size() > 2 && bytes[0] == 'P' && bytes[1] == 'K';
    if (!zip) {
      arrays_[""] = std::move(bytes);
      return;
    }
    ArchiveReader archive(bytes, path);
    uint64_t left = limit;
    while (archive.next()) {
      std::string name = archive.name();
      if (!archive.is_file() || name.size() < 5 || name.compare(name.size() - 4, 4, ".npy") != 0) {
        continue;
      }
      name.resize(name.size() - 4);
      arrays_[name] = archive.contents(left);
      left -= arrays_[name].size();
    }
    if (arrays_.empty()) throw DataError(path + ": looked for .npy members, found none");
  }

  bool has(const std::string& name) const { return arrays_.count(name) > 0; }
  bool single() const { return has(""); }

  // "": the only one beside `labels`.
  NpyArray find(const std::string& name, const std::string& labels) const {
    std::string chosen = name;
    if (name.empty() && !single()) {
      std::vector<std::string> candidates;
      for (const auto& [key, bytes] : arrays_) {
        if (key != labels) candidates.push_back(key);
      }
      if (candidates.size() != 1) refuse("one array of samples (name it in data.array)");
      chosen = candidates[0];
    }
    const auto found = arrays_.find(single() ? "" : chosen);
    if (found == arrays_.end()) refuse("the array " + chosen);
    return parse_npy(found->second, single() ? path_ : path_ + "/" + chosen);
  }

 private:
  [[noreturn]] void refuse(const std::string& wanted) const {
    std::string names;
    for (const auto& [key, bytes] : arrays_) {
      if (names.size() < 200) names += (names.empty() ? "" : ", ") + key;
    }
    throw DataError(concat(path_, ": looked for ", wanted, ", found ", names));
  }

  std::string path_;
  std::map<std::string, Bytes> arrays_;
};

// Where element (n, y, x, c) of the samples lies in the array.
struct Indexing {
  Shape sample;
  int64_t stride_y = 0, stride_x = 0, stride_c = 0;
};

Indexing index_samples(const NpyArray& array, ArrayLayout layout, const std::string& file) {
  const std::vector<int64_t>& axes = array.axes;
  Indexing index;
  if (axes.size() == 2) {
    index = {{1, axes[1], 1, 1}, 0, 0, 1};
  } else if (axes.size() == 3) {
    index = {{1, 1, axes[1], axes[2]}, axes[2], 1, 0};
  } else if (axes.size() == 4 && layout == ArrayLayout::kNhwc) {
    index = {{1, axes[3], axes[1], axes[2]}, axes[2] * axes[3], axes[3], 1};
  } else if (axes.size() == 4) {
    index = {{1, axes[1], axes[2], axes[3]}, axes[3], 1, axes[2] * axes[3]};
  } else {
    throw DataError(concat(file, ": has ", axes.size(),
                           " axes; looked for N,D or N,H,W or N,H,W,C or N,C,H,W"));
  }
  return index;
}

template <typename Write>
void for_each_value(const Indexing& index, int64_t sample, const Write& write) {
  const int64_t start = sample * index.sample.elements();
  for (int64_t y = 0; y < index.sample.h; ++y) {
    for (int64_t x = 0; x < index.sample.w; ++x) {
      for (int64_t c = 0; c < index.sample.c; ++c) {
        write(start + y * index.stride_y + x * index.stride_x + c * index.stride_c);
      }
    }
  }
}

bool wants_image_work(const DataConfig& config) {
  return config.size[0] + config.size[1] + config.center_crop[0] + config.center_crop[1] > 0;
}

SampleSet images_of(const NpyArray& array, const Indexing& index, const DataConfig& config) {
  SampleStore store(config, config.path);
  Image image(index.sample.w, index.sample.h, index.sample.c);
  store.reserve(array.axes[0], index.sample);
  for (int64_t i = 0; i < array.axes[0]; ++i) {
    uint8_t* out = image.pixels.data();
    for_each_value(index, i, [&](int64_t at) { *out++ = array.values[static_cast<size_t>(at)]; });
    store.append(store.prepare(image, config.path), config.path, 0);
  }
  SampleSet set = store.take();
  set.labels.clear();
  return set;
}

SampleSet values_of(const NpyArray& array, const Indexing& index, const DataConfig& config) {
  if (wants_image_work(config) || (config.channels > 0 && config.channels != index.sample.c)) {
    throw ConfigError(
        concat("data: size, center_crop and channels work on arrays of bytes with 1 "
               "or 3 channels only; ",
               config.path, " holds samples of ", to_string(index.sample), " as ", array.kind,
               array.item_bytes));
  }
  SampleSet set;
  set.sample = index.sample;
  set.count = array.axes[0];
  const uint64_t bytes = static_cast<uint64_t>(array.elements()) * sizeof(float);
  if (bytes > static_cast<uint64_t>(config.memory_mb) * kMegabyte) {
    throw MemoryError(concat(config.path, ": ", set.count, " samples of ", index.sample.elements(),
                             " floats take ", (bytes + kMegabyte - 1) / kMegabyte,
                             " MB, but data.memory_mb = ", config.memory_mb, "; raise it"));
  }
  // [value_range] -> [range]
  double scale = 1, offset = 0;
  std::vector<double> stored = config.value_range;
  if (stored.empty() && array.kind == 'u') stored = {0, 255};
  if (!stored.empty()) {
    scale = (config.range[1] - config.range[0]) / (stored[1] - stored[0]);
    offset = config.range[0] - stored[0] * scale;
  }
  set.reals.reserve(static_cast<size_t>(array.elements()));
  for (int64_t i = 0; i < set.count; ++i) {
    for_each_value(index, i, [&](int64_t at) {
      const auto value = static_cast<float>(array.real(at) * scale + offset);
      if (!std::isfinite(value)) {
        throw DataError(concat(config.path, ": sample ", i, " holds ", array.real(at),
                               ", which is no finite float"));
      }
      set.reals.push_back(value);
    });
  }
  return set;
}

void add_labels(SampleSet& set, const NpyArray& array, const std::string& file) {
  const bool flat = array.axes.size() == 1 || (array.axes.size() == 2 && array.axes[1] == 1);
  if (!flat || array.kind == 'f') {
    throw DataError(concat(file, ": looked for labels: integers in one axis, found ", array.kind,
                           array.item_bytes, " in ", array.axes.size(), " axes"));
  }
  int64_t largest = 0;
  for (int64_t i = 0; i < array.elements(); ++i) {
    const int64_t label = array.integer(i);
    if (label < 0 || label >= kMostClasses) {
      throw DataError(
          concat(file, ": label ", i, " is ", label, "; looked for 0 to ", kMostClasses - 1));
    }
    largest = std::max(largest, label);
    set.labels.push_back(static_cast<int32_t>(label));
  }
  for (int64_t i = 0; i <= largest; ++i) set.class_names.push_back(std::to_string(i));
}

}  // namespace

SampleSet load_npy(const DataConfig& config) {
  const uint64_t limit = static_cast<uint64_t>(config.memory_mb) * kMegabyte;
  const ArrayFile file(config.path, limit);
  const NpyArray samples = file.find(config.array, config.labels);
  if (samples.kind != 'f' && !(samples.kind == 'u' && samples.item_bytes == 1)) {
    throw DataError(concat(config.path, ": the samples are ", samples.kind, samples.item_bytes,
                           "; looked for f4, f8 or u1"));
  }
  const Indexing index = index_samples(samples, config.layout, config.path);
  const bool image = samples.kind == 'u' && samples.axes.size() > 2 && config.value_range.empty() &&
                     (index.sample.c == 1 || index.sample.c == 3);
  SampleSet set = image ? images_of(samples, index, config) : values_of(samples, index, config);
  set.description = "npy array";
  if (config.labels.empty()) return set;
  if (file.has(config.labels)) {
    add_labels(set, file.find(config.labels, ""), config.path + "/" + config.labels);
  } else {
    add_labels(set, ArrayFile(config.labels, limit).find("", ""), config.labels);
  }
  return set;
}

}  // namespace gantry
