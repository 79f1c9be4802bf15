// SPDX-License-Identifier: Apache-2.0
#include "train/data/idx.h"

#include <algorithm>
#include <cmath>

#include "core/png.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;

constexpr uint8_t kUnsignedByte = 8;

const char* const kFashionNames[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                     "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

std::vector<std::string> digit_names(int64_t count) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

std::string list_of(const std::vector<int64_t>& values, const char* between) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) text += concat(i ? between : "", values[i]);
  return text;
}

uint64_t checked_product(const std::vector<int64_t>& axes, uint64_t limit,
                         const std::string& file) {
  uint64_t product = 1;
  for (const int64_t axis : axes) {
    if (axis == 0) throw DataError(file + ": the header gives an axis the length 0: an empty set");
    if (product > limit / static_cast<uint64_t>(axis)) {
      double bytes = 1;
      for (const int64_t length : axes) bytes *= static_cast<double>(length);
      throw DataError(concat(file, ": the header promises ", list_of(axes, " x "), " bytes, ",
                             std::ceil(bytes / kMegabyte), " MB, but data.memory_mb = ",
                             limit / kMegabyte, "; raise it if that is meant"));
    }
    product *= static_cast<uint64_t>(axis);
  }
  return product;
}

IdxArray read_idx(const fs::path& path, std::vector<int64_t> axes_allowed,
                  const DataConfig& config) {
  const uint64_t limit = static_cast<uint64_t>(config.memory_mb) * kMegabyte;
  // Small enough to look into: the header says exactly what is needed.
  constexpr uint64_t kSmall = 64 * kMegabyte;
  const Bytes bytes =
      read_data_file(path, std::max(limit, kSmall), "an IDX file", "data.memory_mb");
  return parse_idx(bytes, path.string(), std::move(axes_allowed), limit);
}

// The first of the folders and spellings in which the file `stem` ("train-images") is found.
fs::path find_idx(const fs::path& root, const std::string& stem, const std::string& axes) {
  const std::string names[] = {stem + "-idx" + axes + "-ubyte", stem + ".idx" + axes + "-ubyte"};
  std::error_code ignored;
  for (const char* folder : {"", "raw", "MNIST/raw", "FashionMNIST/raw"}) {
    for (const std::string& name : names) {
      for (const char* ending : {"", ".gz"}) {
        const fs::path path = root / folder / (name + ending);
        if (fs::is_regular_file(path, ignored)) return path;
      }
    }
  }
  if (!fs::is_directory(root, ignored)) {
    throw DataError(concat(root.string(), ": looked for a folder with ", names[0], "[.gz], ",
                           fs::exists(root, ignored)
                               ? "found a file; give the folder, or use the source idx"
                               : describe_missing(root)));
  }
  throw DataError(concat(root.string(), ": looked for ", names[0], " or ", names[0], ".gz, found ",
                         describe_folder(root), "; `gantry data fetch mnist --to ", root.string(),
                         "` fetches the set"));
}

void append_images(const IdxArray& array, const std::string& file, SampleStore& store) {
  const int64_t channels = array.axes.size() == 4 ? array.axes[3] : 1;
  if (channels != 1 && channels != 3) {
    throw DataError(concat(file, ": has ", channels, " channels; looked for 1 or 3"));
  }
  const int64_t height = array.axes[1], width = array.axes[2];
  Image image(width, height, channels);
  const auto bytes = image.pixels.size();
  store.reserve(array.axes[0], {1, channels, height, width});
  for (int64_t i = 0; i < array.axes[0]; ++i) {
    std::copy_n(array.values.begin() + static_cast<ptrdiff_t>(i * bytes), bytes,
                image.pixels.begin());
    store.append(store.prepare(image, file), file, 0);
  }
}

void append_labels(const IdxArray& array, std::vector<int32_t>& labels) {
  labels.insert(labels.end(), array.values.begin(), array.values.end());
}

}  // namespace

IdxArray parse_idx(ByteView bytes, const std::string& file, std::vector<int64_t> axes_allowed,
                   uint64_t limit) {
  ContentReader reader(bytes, file);
  const Bytes magic = reader.read_exactly(4, "an IDX header");
  if (magic[0] != 0 || magic[1] != 0 || magic[3] == 0) {
    throw DataError(
        concat(file, ": looked for an IDX file, found ",
               is_gzip(bytes) ? "something else within a gzip file" : describe_content(bytes)));
  }
  if (magic[2] != kUnsignedByte) {
    throw DataError(concat(file, ": looked for IDX values of type 8 (unsigned byte), found type ",
                           static_cast<int>(magic[2])));
  }
  if (std::find(axes_allowed.begin(), axes_allowed.end(), magic[3]) == axes_allowed.end()) {
    throw DataError(concat(
        file, ": looked for an IDX array with ", list_of(axes_allowed, " or "), " axes, found ",
        static_cast<int>(magic[3]), "; ",
        magic[3] == 1 ? "this looks like a file of labels" : "this looks like a file of images"));
  }
  IdxArray array;
  const Bytes header = reader.read_exactly(4 * size_t{magic[3]}, "the axes");
  for (size_t i = 0; i < header.size(); i += 4) {
    array.axes.push_back(int64_t{header[i]} << 24 | header[i + 1] << 16 | header[i + 2] << 8 |
                         header[i + 3]);
  }
  array.values = reader.read_exactly(checked_product(array.axes, limit, file), "values");
  reader.expect_end();
  return array;
}

SampleSet load_mnist(const DataConfig& config) {
  const fs::path root(config.path);
  SampleStore store(config, root.string());
  std::vector<int32_t> labels;
  std::vector<std::string> parts;
  if (config.split != DataSplit::kTest) parts.push_back("train");
  if (config.split != DataSplit::kTrain) parts.push_back("t10k");
  for (const std::string& part : parts) {
    const fs::path images = find_idx(root, part + "-images", "3");
    const fs::path names = find_idx(root, part + "-labels", "1");
    const IdxArray values = read_idx(images, {3}, config);
    const IdxArray classes = read_idx(names, {1}, config);
    if (values.axes[0] != classes.axes[0]) {
      throw DataError(concat(names.string(), ": holds ", classes.axes[0], " labels for the ",
                             values.axes[0], " images of ", images.string()));
    }
    append_images(values, images.string(), store);
    append_labels(classes, labels);
  }
  SampleSet set = store.take();
  set.labels = std::move(labels);
  const bool fashion = config.source == DataSourceKind::kFashionMnist;
  set.class_names = digit_names(10);
  if (fashion) set.class_names.assign(std::begin(kFashionNames), std::end(kFashionNames));
  set.description = fashion ? "Fashion-MNIST" : "MNIST";
  return set;
}

SampleSet load_idx(const DataConfig& config) {
  const IdxArray values = read_idx(config.path, {3, 4}, config);
  SampleStore store(config, config.path);
  append_images(values, config.path, store);
  SampleSet set = store.take();
  set.labels.clear();
  set.description = "IDX images";
  if (config.labels.empty()) return set;
  append_labels(read_idx(config.labels, {1}, config), set.labels);
  set.class_names = digit_names(1 + *std::max_element(set.labels.begin(), set.labels.end()));
  return set;
}

}  // namespace gantry
