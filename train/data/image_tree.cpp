// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <unordered_map>

#include "core/error.h"
#include "train/data/archive.h"
#include "train/data/image_codec.h"
#include "train/data/images.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestImageFile = uint64_t{256} << 20;
constexpr size_t kDeepest = 64;

// .DS_Store and the likes, and the shadow files of macOS archives.
bool is_hidden(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  return name.empty() || name[0] == '.' || path.compare(0, 9, "__MACOSX/") == 0;
}

}  // namespace

ImageTree::ImageTree(fs::path root, DataSplit split) : root_(std::move(root)) {
  std::error_code error;
  if (fs::is_directory(root_, error)) {
    std::vector<std::pair<uint64_t, uint64_t>> entered;
    walk(root_, "", entered);
  } else {
    archive_ = true;
    list_archive();
  }
  if (names_.empty()) {
    const std::string found = others_ > 0 ? concat(others_, " other files such as ", other_example_,
                                                   " (of an archive, give its own path)")
                                          : "no file";
    throw DataError(concat(root_.string(),
                           ": looked for PNG and JPEG images (.png, .jpg, .jpeg), found ", found));
  }
  layout_ = arrange_images(names_, folders_, split, root_.string());
}

void ImageTree::walk(const fs::path& folder, const std::string& below,
                     std::vector<std::pair<uint64_t, uint64_t>>& entered) {
  struct stat status = {};
  if (::stat(folder.c_str(), &status) != 0 || entered.size() >= kDeepest) return;
  const std::pair<uint64_t, uint64_t> identity(status.st_dev, status.st_ino);
  // A link back to a folder that we are in would never end.
  if (std::find(entered.begin(), entered.end(), identity) != entered.end()) return;
  entered.push_back(identity);
  if (!below.empty()) folders_.push_back(below.substr(0, below.size() - 1));
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = below + it->path().filename().string();
    std::error_code ignored;
    if (is_hidden(name)) continue;
    if (it->is_directory(ignored)) {
      walk(it->path(), name + "/", entered);
    } else if (has_image_extension(name)) {
      names_.push_back(name);
    } else if (others_++ == 0) {
      other_example_ = name;
    }
  }
  if (error) throw DataError(concat(folder.string(), ": cannot list it: ", error.message()));
  entered.pop_back();
}

void ImageTree::list_archive() {
  ArchiveReader archive(root_);
  while (archive.next()) {
    if (archive.is_folder()) {
      if (!is_hidden(archive.name()) || archive.name().back() == '/') {
        folders_.push_back(archive.name());
      }
    } else if (archive.is_file() && !is_hidden(archive.name())) {
      if (has_image_extension(archive.name())) {
        names_.push_back(archive.name());
      } else if (others_++ == 0) {
        other_example_ = archive.name();
      }
    }
  }
}

std::string ImageTree::file(size_t entry) const {
  return (root_ / names_[layout_.entries[entry].index]).string();
}

void ImageTree::read(const Take& take) const {
  if (archive_) return read_archive(take);
  for (size_t entry = 0; entry < layout_.entries.size(); ++entry) {
    Bytes bytes;
    std::string reason;
    try {
      bytes = read_data_file(file(entry), kLargestImageFile, "an image");
    } catch (const DataError& error) {
      reason = error.what();
    }
    if (!take(entry, std::move(bytes), reason)) return;
  }
}

void ImageTree::read_archive(const Take& take) const {
  // Members are counted as list_archive() counted them: a name may occur twice.
  std::unordered_map<size_t, size_t> entry_of;
  for (size_t i = 0; i < layout_.entries.size(); ++i) entry_of[layout_.entries[i].index] = i;
  ArchiveReader archive(root_);
  size_t index = 0;
  while (archive.next()) {
    const bool image =
        archive.is_file() && !is_hidden(archive.name()) && has_image_extension(archive.name());
    if (!image) continue;
    const auto entry = entry_of.find(index++);
    if (entry == entry_of.end()) continue;
    Bytes bytes;
    std::string reason;
    try {
      bytes = archive.contents(kLargestImageFile);
    } catch (const DataError& error) {
      reason = error.what();
    }
    if (!take(entry->second, std::move(bytes), reason)) return;
  }
}

}  // namespace gantry
