// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "train/data/bytes.h"
#include "train/data/image_layout.h"
#include "train/data/sample_set.h"

namespace gantry {

// A folder (symbolic links followed, each folder once) or an archive of images.
class ImageTree {
 public:
  ImageTree(std::filesystem::path root, DataSplit split);

  const ImageLayout& layout() const { return layout_; }
  std::string file(size_t entry) const;  // of an entry of the layout, for messages

  // Calls take(entry, bytes, reason) once for each entry of the layout, folders in order, archives
  // as they come. `reason` is empty, or why the file could not be read. Stops when it gives false.
  using Take = std::function<bool(size_t entry, Bytes bytes, const std::string& reason)>;
  void read(const Take& take) const;

 private:
  void walk(const std::filesystem::path& folder, const std::string& below,
            std::vector<std::pair<uint64_t, uint64_t>>& entered);
  void list_archive();
  void read_archive(const Take& take) const;

  std::filesystem::path root_;
  bool archive_ = false;
  std::vector<std::string> names_, folders_;
  size_t others_ = 0;
  std::string other_example_;
  ImageLayout layout_;
};

SampleSet load_images(const DataConfig& config);

}  // namespace gantry
