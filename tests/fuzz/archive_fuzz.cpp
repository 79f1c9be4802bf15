// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "core/error.h"
#include "train/data/archive.h"
#include "train/data/image_codec.h"
#include "train/data/image_layout.h"

// zip, tar and tar.gz: every member listed, arranged and read within the limit, or a DataError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kLimit = uint64_t{1} << 20;
  try {
    gantry::ArchiveReader archive(gantry::ByteView{data, size}, "x");
    std::vector<std::string> names, folders;
    while (archive.next()) {
      if (archive.is_folder()) folders.push_back(archive.name());
      if (!archive.is_file()) continue;
      if (archive.contents(kLimit).size() > kLimit) __builtin_trap();
      names.push_back(archive.name());
    }
    for (const auto split : {gantry::DataSplit::kTrain, gantry::DataSplit::kAll}) {
      const auto layout = gantry::arrange_images(names, folders, split, "x");
      if (layout.entries.size() > names.size()) __builtin_trap();
    }
  } catch (const gantry::DataError&) {
  }
  return 0;
}
