// SPDX-License-Identifier: Apache-2.0
#include "train/data/cifar.h"

#include <map>

#include "core/png.h"
#include "train/data/archive.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSide = 32, kPixels = kSide * kSide, kClasses = 10;
constexpr size_t kRecord = 1 + 3 * kPixels;
constexpr uint64_t kLargestFile = uint64_t{1} << 30;
const char* const kClassNames[kClasses] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                           "dog",      "frog",       "horse", "ship", "truck"};
const char* const kArchive = "cifar-10-binary.tar.gz";

std::vector<std::string> wanted_files(DataSplit split) {
  std::vector<std::string> files;
  if (split != DataSplit::kTest) {
    for (int i = 1; i <= 5; ++i) files.push_back(concat("data_batch_", i, ".bin"));
  }
  if (split != DataSplit::kTrain) files.push_back("test_batch.bin");
  return files;
}

[[noreturn]] void refuse(const fs::path& place, const std::string& missing,
                         const std::string& found) {
  throw DataError(concat(place.string(), ": looked for ", missing, " or ", kArchive,
                         " (CIFAR-10, "
                         "binary version), found ",
                         found, "; `gantry data fetch cifar10 --to FOLDER` fetches it"));
}

void load_from_archive(const fs::path& path, const std::vector<std::string>& wanted,
                       SampleStore& store) {
  std::map<std::string, Bytes> files;
  std::string found;
  ArchiveReader archive(path);
  while (archive.next()) {
    if (!archive.is_file()) continue;
    const std::string name = fs::path(archive.name()).filename().string();
    if (found.size() < 200) found += (found.empty() ? "" : ", ") + archive.name();
    for (const std::string& file : wanted) {
      if (name == file) files[name] = archive.contents(kLargestFile);
    }
  }
  for (const std::string& file : wanted) {
    const auto content = files.find(file);
    if (content == files.end()) refuse(path, file, found.empty() ? "no file" : found);
    append_cifar_records(content->second, path.string() + "/" + file, store);
    files.erase(content);
  }
}

}  // namespace

void append_cifar_records(ByteView bytes, const std::string& file, SampleStore& store) {
  if (bytes.empty() || bytes.size() % kRecord != 0) {
    throw DataError(concat(file, ": looked for CIFAR-10 records of ", kRecord, " bytes, found ",
                           bytes.size(), " bytes (", describe_content(bytes),
                           "); the file is truncated or of another format"));
  }
  Image image(kSide, kSide, 3);
  store.reserve(static_cast<int64_t>(bytes.size() / kRecord), {1, 3, kSide, kSide});
  for (size_t record = 0; record < bytes.size() / kRecord; ++record) {
    const uint8_t* values = bytes.data() + record * kRecord;
    if (values[0] >= kClasses) {
      throw DataError(concat(file, ": the label of record ", record, " is ",
                             static_cast<int>(values[0]), "; looked for 0 to 9"));
    }
    for (int64_t pixel = 0; pixel < kPixels; ++pixel) {
      for (int64_t c = 0; c < 3; ++c) image.pixels[pixel * 3 + c] = values[1 + c * kPixels + pixel];
    }
    store.append(store.prepare(image, file), file, values[0]);
  }
}

SampleSet load_cifar10(const DataConfig& config) {
  const fs::path root(config.path);
  const std::vector<std::string> wanted = wanted_files(config.split);
  SampleStore store(config, root.string());
  std::error_code ignored;
  fs::path folder = root;
  if (fs::exists(root / "cifar-10-batches-bin" / wanted[0], ignored)) {
    folder = root / "cifar-10-batches-bin";
  }
  if (fs::is_regular_file(root, ignored)) {
    load_from_archive(root, wanted, store);
  } else if (!fs::exists(folder / wanted[0], ignored) && fs::exists(root / kArchive, ignored)) {
    load_from_archive(root / kArchive, wanted, store);
  } else {
    for (const std::string& name : wanted) {
      const fs::path file = folder / name;
      if (!fs::is_directory(folder, ignored)) refuse(root, name, "no such folder");
      if (!fs::exists(file, ignored)) refuse(root, name, describe_folder(folder));
      append_cifar_records(read_data_file(file, kLargestFile, "CIFAR-10 records"), file.string(),
                           store);
    }
  }
  SampleSet set = store.take();
  set.class_names.assign(std::begin(kClassNames), std::end(kClassNames));
  set.description = "CIFAR-10";
  return set;
}

}  // namespace gantry
