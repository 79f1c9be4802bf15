// SPDX-License-Identifier: Apache-2.0
#include "train/data/inspect.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <unordered_map>

#include "core/digest.h"
#include "core/error.h"
#include "train/data/archive.h"
#include "train/data/image_codec.h"
#include "train/data/images.h"
#include "train/data/sample_set.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;

bool has_file_like(const fs::path& folder, const std::string& part) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().find(part) != std::string::npos) return true;
  }
  return false;
}

// Contents of a file at its start, unpacked if it is gzip.
Bytes start_of(const fs::path& path) {
  Bytes start(4096);
  std::ifstream stream(path, std::ios::binary);
  stream.read(reinterpret_cast<char*>(start.data()), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<size_t>(std::max<std::streamsize>(0, stream.gcount())));
  if (!is_gzip(start)) return start;
  Bytes unpacked(4);
  try {
    unpacked.resize(ContentReader(start, path.string()).read(unpacked.data(), unpacked.size()));
  } catch (const DataError&) {
    unpacked.clear();
  }
  return unpacked;
}

bool is_idx(const Bytes& start) {
  return start.size() >= 4 && start[0] == 0 && start[1] == 0 && start[2] == 8 && start[3] <= 4;
}

DataConfig guess_folder(const fs::path& path) {
  DataConfig config;
  config.path = path.string();
  config.source = DataSourceKind::kImages;
  config.split = DataSplit::kAll;
  for (const char* below : {"", "raw", "MNIST/raw", "FashionMNIST/raw"}) {
    const bool train = has_file_like(path / below, "train-images");
    const bool test = has_file_like(path / below, "t10k-images");
    if (!train && !test) continue;
    const bool fashion = path.string().find("ashion") != std::string::npos ||
                         std::string(below).find("Fashion") != std::string::npos;
    config.source = fashion ? DataSourceKind::kFashionMnist : DataSourceKind::kMnist;
    config.split = train && test ? DataSplit::kAll : train ? DataSplit::kTrain : DataSplit::kTest;
    return config;
  }
  const bool records = has_file_like(path, "data_batch_1.bin") ||
                       has_file_like(path / "cifar-10-batches-bin", "data_batch_1.bin") ||
                       has_file_like(path, "cifar-10-binary.tar.gz");
  if (records) config.source = DataSourceKind::kCifar10;
  return config;
}

class DuplicateFinder {
 public:
  void add(Verification& verification, const std::string& name, const std::string& digest) {
    verification.items.push_back({name, digest});
    const auto [first, fresh] = first_.emplace(digest, name);
    if (!fresh) verification.duplicates.push_back({name, first->second});
  }

 private:
  std::unordered_map<std::string, std::string> first_;
};

Verification verify_images(const DataConfig& config) {
  const ImageTree tree(config.path, config.split);
  Verification verification;
  std::vector<Verification::Item> found(tree.layout().entries.size());
  std::vector<std::string> reasons(found.size());
  tree.read([&](size_t entry, Bytes bytes, const std::string& reason) {
    found[entry] = {tree.file(entry), sha256(bytes.data(), bytes.size())};
    reasons[entry] = reason;
    if (!reason.empty()) return true;
    try {
      decode_image(bytes, found[entry].name, {});
    } catch (const DataError& error) {
      reasons[entry] = error.what();
    }
    return true;
  });
  DuplicateFinder duplicates;
  for (size_t i = 0; i < found.size(); ++i) {
    if (reasons[i].empty()) {
      duplicates.add(verification, found[i].name, found[i].sha256);
    } else {
      verification.bad.push_back({tree.file(i), reasons[i]});
    }
  }
  return verification;
}

}  // namespace

DataConfig guess_data(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return guess_folder(path);
  if (!fs::exists(path, ignored)) {
    throw DataError(concat(path, ": looked for a data set, ", describe_missing(path)));
  }
  DataConfig config;
  config.path = path;
  config.split = DataSplit::kAll;
  const std::string ending = fs::path(path).extension().string();
  const Bytes start = start_of(path);
  if (ending == ".npy" || ending == ".npz") {
    config.source = DataSourceKind::kNpy;
  } else if (is_idx(start)) {
    config.source = DataSourceKind::kIdx;
  } else if (fs::path(path).filename().string().find("cifar-10-binary") != std::string::npos) {
    config.source = DataSourceKind::kCifar10;
  } else if (looks_like_archive(path)) {
    config.source = DataSourceKind::kImages;
  } else {
    throw DataError(concat(path, ": looked for an IDX or npy file or an archive of images, found ",
                           describe_content(start)));
  }
  return config;
}

DataSummary summarize(const DataSource& source) {
  const DataInfo& info = source.info();
  const auto size = static_cast<size_t>(info.sample.elements());
  std::vector<float> values(size);
  DataSummary summary;
  summary.histogram.resize(static_cast<size_t>(info.classes));
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < info.count; ++i) {
    float label = 0;
    source.read(static_cast<uint64_t>(i), 1, values.data(), &label);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    summary.lowest = i == 0 ? *low : std::min(summary.lowest, *low);
    summary.highest = i == 0 ? *high : std::max(summary.highest, *high);
    for (const float value : values) {
      sum += value;
      squares += double{value} * double{value};
    }
    if (info.classes > 0) ++summary.histogram[static_cast<size_t>(label)];
  }
  const double count = static_cast<double>(info.count) * static_cast<double>(size);
  summary.mean = sum / count;
  summary.deviation = std::sqrt(std::max(0.0, squares / count - summary.mean * summary.mean));
  return summary;
}

Verification verify_data(const DataConfig& config) {
  if (config.source == DataSourceKind::kImages) return verify_images(config);
  const SampleSet set = load_samples(config);
  const auto size = static_cast<size_t>(set.sample.elements());
  Verification verification;
  DuplicateFinder duplicates;
  for (int64_t i = 0; i < set.count; ++i) {
    const auto start = static_cast<size_t>(i) * size;
    const std::string digest = set.bytes.empty() ? sha256(&set.reals[start], size * sizeof(float))
                                                 : sha256(&set.bytes[start], size);
    duplicates.add(verification, concat("sample ", i), digest);
  }
  return verification;
}

}  // namespace gantry
