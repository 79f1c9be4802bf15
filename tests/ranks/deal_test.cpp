// SPDX-License-Identifier: Apache-2.0
// Which configs are not dealt out to ranks, and what they are told.
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/train/tiny_gan.h"
#include "train/config_file.h"
#include "train/shards.h"

namespace gantry {
namespace {

std::string refusal(int ranks, const std::vector<std::string>& overrides) {
  try {
    deal(parse_config(kTinyGan, "tiny.json", overrides).config, 0, ranks);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Ranks, RefuseWhatCannotBeDealtOut) {
  const auto says = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  says(refusal(3, {}),
       "/train/batch: 16 samples do not divide into 3 equal shards; make it a multiple of 3");
  says(refusal(4, {"train.accumulate=8"}), "multiple of 32");
  says(refusal(4, {"objective.packing=8"}),
       "/train/batch: 16 samples do not divide into 4 equal shards in packs of 8; make it a "
       "multiple of 32");
  says(refusal(2, {"train.generator_batch=7"}), "/train/generator_batch: 7 samples");
  says(refusal(8, {"distributed.virtual_ranks=4"}), "8 ranks cannot share 4 shards");
  says(refusal(1, {"distributed.virtual_ranks=4", "distributed.sync_batch_norm=true"}),
       "/distributed/sync_batch_norm");
  says(refusal(1, {"distributed.virtual_ranks=6"}), "6 is no power of two");
  says(refusal(1, {"distributed.virtual_ranks=32"}), "make it a multiple of 32");
  EXPECT_EQ(refusal(4, {"distributed.virtual_ranks=4"}), "");
}

}  // namespace
}  // namespace gantry
