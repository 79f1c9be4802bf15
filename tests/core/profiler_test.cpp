// SPDX-License-Identifier: Apache-2.0
#include "core/profiler.h"

#include <gtest/gtest.h>

#include "tests/core/host_device.h"

namespace gantry {
namespace {

// Ranges as text: "<step <conv > > ".
class TextSink : public ProfilerSink {
 public:
  void begin(const char* name) override { text += concat("<", name, " "); }
  void end() override { text += "> "; }
  std::string text;
};

class Logging : public Kernel {
 public:
  explicit Logging(std::string& log) : log_(log) {}
  void run(Stream&, std::span<const TensorView>, void*) const override { log_ += "run "; }

 private:
  std::string& log_;
};

TEST(Profiler, RangesNestAndCostNothingWithoutASink) {
  TextSink sink;
  {
    const ProfilerRange step(&sink, "step");
    const ProfilerRange inner(&sink, "data wait");
    const ProfilerRange nowhere(nullptr, "nothing");
  }
  EXPECT_EQ(sink.text, "<step <data wait > > ");
}

TEST(Profiler, CallsShareTheRangesThatTheirNamesBeginWith) {
  TextSink sink;
  Program program;
  for (const char* name :
       {"d1.d.conv1.forward", "d1.d.conv1.bias", "d1.d.conv2.forward", "d1.optimizer", "advance"}) {
    program.call(name, std::make_shared<Logging>(sink.text), {}, {});
  }
  test::HostDevice device;
  const auto stream = device.make_stream();
  MemoryPlan plan = plan_memory(program);
  const Replay replay(std::move(program), std::move(plan), nullptr);
  for (int run = 0; run < 2; ++run) {
    sink.text.clear();
    {
      ProfilerWatcher watcher(sink);
      replay.run(*stream, watcher);
    }
    EXPECT_EQ(sink.text,
              "<d1 <d <conv1 <forward run > <bias run > > <conv2 <forward run > > > "
              "<optimizer run > > <advance run > ");
  }
}

TEST(StreamMarks, TellTheTimeBetween) {
  test::HostDevice device;
  const auto stream = device.make_stream();
  const auto marks = stream->make_marks(3);
  for (size_t i = 0; i < 3; ++i) marks->set(i);
  EXPECT_GE(marks->seconds(0, 1), 0);
  EXPECT_DOUBLE_EQ(marks->seconds(0, 2), marks->seconds(0, 1) + marks->seconds(1, 2));
  EXPECT_LT(marks->seconds(0, 2), 1);
}

}  // namespace
}  // namespace gantry
