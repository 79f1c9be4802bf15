// SPDX-License-Identifier: Apache-2.0
// Files that are not what they should be.
#include <cctype>

#include "tests/train/bad_inputs.h"
#include "tests/train/data_fixture.h"

namespace gantry {
namespace {

using testing::BadInput;
using testing::message_of;
using testing::ScratchFolder;

class BadInputs : public ::testing::TestWithParam<BadInput> {};

TEST_P(BadInputs, AreDataErrorsThatNameTheFile) {
  const ScratchFolder folder;
  const DataConfig config = GetParam().make_in(folder);
  const std::string message = message_of<DataError>([&] { open_data(config, 1); });
  EXPECT_NE(message.find(config.path), std::string::npos) << message;
  for (const std::string& word : GetParam().words) {
    EXPECT_NE(message.find(word), std::string::npos) << "no \"" << word << "\" in: " << message;
  }
}

const auto name_of = [](const auto& info) {
  std::string name = info.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
};

INSTANTIATE_TEST_SUITE_P(Idx, BadInputs, ::testing::ValuesIn(testing::bad_idx_files()), name_of);
INSTANTIATE_TEST_SUITE_P(Images, BadInputs, ::testing::ValuesIn(testing::bad_images()), name_of);
INSTANTIATE_TEST_SUITE_P(Arrays, BadInputs, ::testing::ValuesIn(testing::bad_arrays()), name_of);

}  // namespace
}  // namespace gantry
