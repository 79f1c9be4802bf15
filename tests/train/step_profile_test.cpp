// SPDX-License-Identifier: Apache-2.0
// What a session shows of its steps: costs by call, ranges for a profiler, buffers apart.
#include "train/step_profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/train/training_rig.h"

namespace gantry {
namespace {

constexpr DeviceLimits kLimits = {.flops_per_s = 1e9, .bytes_per_s = 1e8};

double sum(const std::vector<Cost>& rows, double Cost::*value) {
  return std::accumulate(rows.begin(), rows.end(), 0.0,
                         [&](double total, const Cost& row) { return total + row.*value; });
}

TEST(StepProfile, EveryCallIsInEveryTable) {
  TrainingRig rig = tested_rig();
  rig.step(1);
  const StepProfile profile = profile_steps(rig.session(), 2, kLimits);
  EXPECT_EQ(rig.session().steps_done(), 3);
  const Program& program = rig.session().usual().recorded.program;
  double bytes = 0, floor = 0;
  for (const Call& call : program.calls()) {
    bytes += call.bytes();
    floor += std::max(call.kernel->flops() / 1e9, call.bytes() / 1e8);
  }
  for (const std::vector<Cost>* rows : {&profile.calls, &profile.ops, &profile.layers}) {
    EXPECT_EQ(sum(*rows, &Cost::calls), static_cast<double>(program.calls().size()));
    EXPECT_NEAR(sum(*rows, &Cost::flops), program.flops(), 1);
    EXPECT_NEAR(sum(*rows, &Cost::bytes), bytes, 1);
    EXPECT_NEAR(sum(*rows, &Cost::floor_s), floor, 1e-9);
    EXPECT_NEAR(sum(*rows, &Cost::seconds), profile.seconds, 1e-9);
  }
  EXPECT_EQ(profile.calls[0].name, program.calls()[0].name);
  EXPECT_GE(profile.ops[0].seconds, profile.ops[1].seconds);
  for (const Cost& op : profile.ops) EXPECT_GT(op.name.size(), 2u);
}

TEST(StepProfile, CallsBelongToLayers) {
  TrainingRig rig = tested_rig();
  const std::pair<const char*, const char*> table[] = {
      {"d1.m1.d.conv1.forward", "d.conv1"},
      {"g12.m3.g.dense1.backward_weights", "g.dense1"},
      {"d1.optimizer.update", "d.optimizer"},
      {"g1.optimizer.schedule", "g.optimizer"},
      {"d1.m1.latent", "latent"},
      {"d1.m1.penalty.points", "penalty"},
      {"metrics", "metrics"},
  };
  for (const auto& [call, layer] : table) {
    EXPECT_EQ(layer_of_call(rig.session().system(), call), layer) << call;
  }
}

TEST(StepProfile, LooksWithoutTouching) {
  TrainingRig seen = tested_rig(), unseen = tested_rig();
  profile_steps(seen.session(), 3, kLimits);
  unseen.step(3);
  EXPECT_EQ(seen.session().checkpoint().tensors, unseen.session().checkpoint().tensors);
}

TEST(DirectAllocator, GivesTheSameBytes) {
  TrainingRig arena = tested_rig();
  TrainingRig apart = tested_rig({}, Allocator::kDirect);
  arena.step(5);
  apart.step(5);
  EXPECT_EQ(arena.session().checkpoint().tensors, apart.session().checkpoint().tensors);
  EXPECT_THROW(apart.session().usual().replay->arena(), std::logic_error);
}

// A CPU that a profiler listens to.
class ListenedDevice : public Device, public ProfilerSink {
 public:
  ListenedDevice(std::unique_ptr<Device> device, std::string& heard)
      : text(heard), device_(std::move(device)) {}
  std::string name() const override { return device_->name(); }
  size_t memory_bytes() const override { return device_->memory_bytes(); }
  std::unique_ptr<Stream> make_stream() override { return device_->make_stream(); }
  void copy_to_device(Stream& stream, void* dst, const void* host, size_t bytes) override {
    device_->copy_to_device(stream, dst, host, bytes);
  }
  void copy_to_host(Stream& stream, void* host, const void* src, size_t bytes) override {
    device_->copy_to_host(stream, host, src, bytes);
  }
  ProfilerSink* profiler() override { return this; }

  void begin(const char* name) override {
    if (depth_++ < 2) text += concat("<", name, " ");
  }
  void end() override {
    if (--depth_ < 2) text += "> ";
  }
  void start_capture() override { text += "[ "; }
  void stop_capture() noexcept override { text += "] "; }
  std::string& text;  // the outer two levels of ranges

 protected:
  void* allocate(size_t bytes, Contents contents) override {
    Memory memory(*device_, bytes, contents);
    void* data = memory.data();
    memories_[data] = std::move(memory);
    return data;
  }
  void release(void* data) noexcept override { memories_.erase(data); }

 private:
  std::unique_ptr<Device> device_;
  std::map<void*, Memory> memories_;
  int depth_ = 0;
};

TrainingRig listened_rig(std::string& text) {
  Backend backend = cpu_backend();
  backend.device = std::make_unique<ListenedDevice>(std::move(backend.device), text);
  return {std::move(backend), kTinyGan};
}

TEST(ShownSteps, AreCapturedInNamedRanges) {
  std::string text;
  TrainingRig shown = listened_rig(text), plain = cpu_rig();
  shown.session().show({2, 3});
  shown.step(1);
  EXPECT_EQ(text, "");
  shown.step(3);
  const std::string step =
      "<step <data wait > <d1 > <g1 > <metrics > <metrics_count > <advance > > ";
  EXPECT_EQ(text, "[ " + step + step + "] ");
  plain.step(4);
  EXPECT_EQ(shown.session().checkpoint().tensors, plain.session().checkpoint().tensors);
}

// A run that ends early, or with an error, leaves the profiler what it has shown so far.
TEST(ShownSteps, ACaptureEndsWithTheSession) {
  std::string text;
  {
    TrainingRig shown = listened_rig(text);
    shown.session().show({1, 9});
    shown.step(2);
    EXPECT_FALSE(text.ends_with("] ")) << text;
  }
  EXPECT_TRUE(text.ends_with("] ")) << text;
}

}  // namespace
}  // namespace gantry
