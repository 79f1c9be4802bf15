// SPDX-License-Identifier: Apache-2.0
#include "tests/tools/run_fixture.h"

namespace gantry {
namespace {

TEST_F(Run, AProfileListsOpsAndLayersAndWhereToLookNext) {
  const Ending text = run_gantry(
      {"profile", config(), "--steps", "2", "--warmup", "1", "--calls", "name=it's tiny"});
  EXPECT_EQ(text.exit_code, 0) << text.output;
  for (const char* part : {"mean of 2", "\nop ", "\nconv2d.backward_data ", "\nlayer ",
                           "\nd.conv2 ", "\ng.optimizer ", "\ncall ", "\nd1.m1.d.conv1.forward ",
                           "\ntotal ", "tiny.json 'name=it'\\''s tiny' --warmup 1 --steps 2\n"}) {
    EXPECT_NE(text.output.find(part), std::string::npos) << part << "\n" << text.output;
  }
  const Ending as_json = run_gantry({"profile", config(), "--steps", "1", "--json"});
  EXPECT_EQ(as_json.exit_code, 0);
  for (const char* part :
       {"\"ops\": [", "\"layers\": [", "\"calls\": [", "\"floor_ms\": ", "\"copy_gb_per_s\": "}) {
    EXPECT_NE(as_json.output.find(part), std::string::npos) << part << "\n" << as_json.output;
  }
}

TEST_F(Run, ShownAndApartTheStepsAreTheSame) {
  ASSERT_EQ(run_gantry(train("plain", 6)).exit_code, 0);
  const Ending shown =
      run_gantry(train("shown", 6, {"--profile-steps", "2:3", "--allocator", "direct"}));
  EXPECT_EQ(shown.exit_code, 0) << shown.output;
  EXPECT_NE(shown.output.find("--profile-steps: nothing to tell on cpu"), std::string::npos);
  EXPECT_EQ(result("plain", 6), result("shown", 6));
}

TEST_F(Run, RangesOfStepsAreReadStrictly) {
  for (const char* bad : {"", "3", "3:", ":3", "0:3", "4:3", "1:2:3", "a:b", "1: 2", "-1:2"}) {
    const Ending ending = run_gantry({"bench", config(), "--profile-steps", bad});
    EXPECT_EQ(ending.exit_code, 2) << bad;
    EXPECT_NE(ending.output.find("is no range of steps; give the first and the last"),
              std::string::npos)
        << ending.output;
  }
  EXPECT_EQ(run_gantry({"bench", config(), "--allocator", "heap"}).exit_code, 2);
}

}  // namespace
}  // namespace gantry
