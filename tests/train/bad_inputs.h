// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/core/scratch_folder.h"
#include "train/data/config.h"

// Data that are not what they should be.
namespace gantry::testing {

struct BadInput {
  const char* name;
  DataSourceKind source;
  const char* path;  // in the scratch folder
  std::function<void(const ScratchFolder&)> make;
  std::vector<std::string> words;  // that the message must hold, beside the path
  DataSplit split = DataSplit::kTrain;

  DataConfig make_in(const ScratchFolder& folder) const;  // makes it, and asks for it
};

std::vector<BadInput> bad_idx_files();
std::vector<BadInput> bad_images();
std::vector<BadInput> bad_arrays();

}  // namespace gantry::testing
