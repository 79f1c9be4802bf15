// SPDX-License-Identifier: Apache-2.0
#include "train/metrics_log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>

#include "core/atomic_file.h"
#include "tests/core/scratch_folder.h"

namespace gantry {
namespace {

using testing::message_of;
using testing::ScratchFolder;

struct QuietLog {
  std::FILE* file = std::tmpfile();
  Log log{file};
  ~QuietLog() { std::fclose(file); }
};

MetricsRow row(uint64_t step, double time = 1) {
  return {step, {{"g_loss", 0.5 * static_cast<double>(step)}}, {{"wall_s", time}}};
}

TEST(MetricsLog, LineFormIsFixed) {
  const MetricsRow odd = {7,
                          {{"a", 0.1},
                           {"b", NAN},
                           {"c", -INFINITY},
                           {"d", INFINITY},
                           {"e", 1e-300},
                           {"q\"", -0.0},
                           {"f", static_cast<double>(0.1f)}},
                          {{"images_per_s", 1630.5}}};
  EXPECT_EQ(to_json_line(odd),
            R"({"step":7,"a":0.1,"b":"nan","c":"-inf","d":"inf","e":1e-300,"q\"":-0,)"
            R"("f":0.10000000149011612,"time":{"images_per_s":1630.5}})"
            "\n");
  EXPECT_EQ(to_json_line({3, {}, {}}), "{\"step\":3}\n");
}

TEST(MetricsLog, LinesReadBackToTheSameDoubles) {
  MetricsRow written = {9, {}, {{"t", 2.5}}};
  const double values[] = {0.1, 1.0 / 3,  5e-324,    std::numeric_limits<double>::max(),
                           NAN, INFINITY, -INFINITY, 123456789.125};
  for (const double value : values) written.values.emplace_back("v", value);
  std::string line = to_json_line({9, {}, written.times});
  for (size_t i = 0; i < written.values.size(); ++i) {
    const MetricsRow one = {9, {{"v", values[i]}}, {{"t", 2.5}}};
    MetricsRow read;
    line = to_json_line(one);
    ASSERT_TRUE(parse_metrics_line(line, read)) << line;
    EXPECT_EQ(read.step, 9u);
    if (std::isnan(values[i])) {
      EXPECT_TRUE(std::isnan(*read.find("v")));
    } else {
      EXPECT_EQ(*read.find("v"), values[i]);
    }
    EXPECT_EQ(*read.find("t"), 2.5);
    EXPECT_EQ(read.find("x"), nullptr);
  }
}

TEST(MetricsLog, StrayLinesAreNotRows) {
  MetricsRow ignored;
  for (const char* line :
       {"", "{}", "[]", "{\"a\":1}", "{\"step\":-1}", "{\"step\":1.5}", "{\"step\":1,\"a\":null}",
        "{\"step\":1,\"a\":\"x\"}", "{\"step\":1,\"a\":{}}", "{\"step\":1,\"time\":{\"a\":[]}}",
        "{\"step\":1", "{\"step\":1}x"}) {
    EXPECT_FALSE(parse_metrics_line(line, ignored)) << line;
  }
}

TEST(MetricsLog, ResumedFileEqualsTheUndisturbedOne) {
  const ScratchFolder folder;
  QuietLog quiet;
  {
    MetricsLog log(folder / "whole", 0, quiet.log);
    for (uint64_t step = 10; step <= 60; step += 10) log.write(row(step, 1));
  }
  {
    MetricsLog log(folder / "resumed", 0, quiet.log);
    for (uint64_t step = 10; step <= 50; step += 10) log.write(row(step, 2));
    log.sync();
  }
  std::ofstream(folder / "resumed", std::ios::app) << "{\"step\":60,\"g_l";
  {
    MetricsLog log(folder / "resumed", 30, quiet.log);
    for (uint64_t step = 40; step <= 60; step += 10) log.write(row(step, 3));
  }
  const std::string whole = read_file(folder / "whole"), resumed = read_file(folder / "resumed");
  EXPECT_NE(whole, resumed);
  EXPECT_EQ(without_times(whole), without_times(resumed));
  EXPECT_EQ(without_times("{\"step\":1,\"a\":2,\"time\":{\"t\":3}}\n"), "{\"step\":1,\"a\":2}\n");
  EXPECT_EQ(read_metrics(folder / "resumed").size(), 6u);
}

TEST(MetricsLog, CutsWhereTheFileStopsMakingSense) {
  const ScratchFolder folder;
  QuietLog quiet;
  const std::string good = to_json_line(row(1)) + to_json_line(row(2));
  const std::string bad[] = {"{\"step\":3",
                             "garbage\n",
                             to_json_line(row(2)),
                             to_json_line(row(1)),
                             std::string(40, '\0') + "\n",
                             "\n"};
  for (const std::string& tail : bad) {
    std::ofstream(folder / "m", std::ios::binary) << good << tail << to_json_line(row(4));
    EXPECT_EQ(read_metrics(folder / "m").size(), 2u) << tail;
    const MetricsLog log(folder / "m", 100, quiet.log);
    EXPECT_EQ(read_file(folder / "m"), good) << tail;
  }
  const MetricsLog afresh(folder / "m", 0, quiet.log);
  EXPECT_EQ(read_file(folder / "m"), "");
  EXPECT_TRUE(read_metrics(folder / "none").empty());
}

std::string text_of(std::FILE* file) {
  std::string text(static_cast<size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  EXPECT_EQ(std::fread(text.data(), 1, text.size(), file), text.size());
  return text;
}

TEST(MetricsLog, DamageIsNamedAndNothingIsLost) {
  const ScratchFolder folder;
  const std::string damaged = to_json_line(row(10)) + to_json_line(row(20)) +
                              "gar\x01"
                              "bage\n" +
                              to_json_line(row(40));
  for (const char* copy : {"m.damaged-1", "m.damaged-2"}) {
    std::ofstream(folder / "m", std::ios::binary) << damaged;
    QuietLog quiet;
    { const MetricsLog log(folder / "m", 40, quiet.log); }
    const std::string told = text_of(quiet.file);
    for (const std::string& part :
         {(folder / "m").string() + ": line 3", std::string("\"gar?bage\""), std::string(copy),
          std::string("ends at step 20"), std::string("from step 40")}) {
      EXPECT_NE(told.find(part), std::string::npos) << told;
    }
    EXPECT_EQ(read_file(folder / copy), damaged);
  }
  std::string problem;
  std::ofstream(folder / "m", std::ios::binary) << damaged;
  EXPECT_EQ(read_metrics(folder / "m", &problem).size(), 2u);
  EXPECT_EQ(problem,
            "m: line 3 is no row of metrics: \"gar?bage\"; only the rows before it are read");
}

TEST(MetricsLog, MissingRowsAreTold) {
  const ScratchFolder folder;
  for (const std::string& text : {std::string(), to_json_line(row(10))}) {
    std::ofstream(folder / "m", std::ios::binary) << text;
    QuietLog quiet;
    { const MetricsLog log(folder / "m", 30, quiet.log); }
    EXPECT_NE(text_of(quiet.file).find("goes on from step 30"), std::string::npos) << text;
  }
  std::ofstream(folder / "m", std::ios::binary) << to_json_line(row(30)) << "{\"step\":4";
  QuietLog quiet;
  { const MetricsLog log(folder / "m", 30, quiet.log); }
  EXPECT_EQ(text_of(quiet.file).find("goes on from"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "m.damaged-1")) << "a kill is no damage";
}

TEST(MetricsLog, WriteFailuresAreIoErrors) {
  QuietLog quiet;
  const ScratchFolder folder;
  message_of<IoError>([&] { MetricsLog log(folder / "missing/m", 0, quiet.log); });
}

}  // namespace
}  // namespace gantry
