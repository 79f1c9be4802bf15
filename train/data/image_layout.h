// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "train/data/config.h"

namespace gantry {

// Which images of a folder or archive belong to the set, in which order, of which class.
struct ImageLayout {
  struct Entry {
    size_t index = 0;   // into the names given
    int32_t label = 0;  // into class_names, if there are any
  };
  std::vector<Entry> entries;  // in the order of their names, byte by byte
  std::vector<std::string> class_names;
  std::string description;
};

// `names`: paths of images below the root, "/" between folders; `folders`: all folders, so that
// those without images are noticed. The rules, in this order:
// 1. a single folder at the top that holds everything is a wrapper and is ignored;
// 2. of folders train (training) and test (testing, val, valid, validation) at the top the split
//    decides; without them `test` is an error and `train` means everything;
// 3. if every image lies in a folder, the first folder's name is its class; classes are numbered in
//    the order of their names. Images beside folders: no labels.
// DataError naming `place` where nothing is left or a class folder has no image.
ImageLayout arrange_images(const std::vector<std::string>& names,
                           const std::vector<std::string>& folders, DataSplit split,
                           const std::string& place);

}  // namespace gantry
