// SPDX-License-Identifier: Apache-2.0
// Whole training steps on the CUDA backend's own kernels.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/train/training_rig.h"
#include "train/step_profile.h"

namespace gantry {
namespace {

constexpr int kSteps = 5;  // the first unrecorded, the others launches of a graph

const std::vector<std::string> kSmall = {"train.batch=4", "data.samples=16"};

class IgnoringWatcher : public ReplayWatcher {};

// Every tensor of the system's state, as bytes.
std::vector<std::vector<uint8_t>> state(TrainingRig& rig) {
  std::vector<std::vector<uint8_t>> all;
  for (const System::StateTensor& tensor : rig.session().system().state()) {
    const TensorView& view = tensor.view;
    std::vector<uint8_t> bytes(view.bytes());
    rig.backend().device->copy_to_host(rig.session().stream(), bytes.data(), view.data,
                                       bytes.size());
    rig.session().stream().synchronize();
    all.push_back(std::move(bytes));
  }
  return all;
}

TrainingRig cuda_rig() {
  return TrainingRig(open_backend(BackendChoice::kCuda, 1), kTinyGan, kSmall);
}

// Of the same seed, steps on the two backends differ by roundings alone.
TEST(CudaTraining, LossesAreThoseOfTheCpu) {
  TrainingRig cuda = cuda_rig();
  TrainingRig cpu(open_backend(BackendChoice::kCpu, 1), kTinyGan, kSmall);
  for (int step = 0; step < kSteps; ++step) {
    cuda.step(1);
    cpu.step(1);
    const auto expected = cpu.metrics();
    for (const auto& [name, value] : cuda.metrics()) {
      EXPECT_NEAR(value, expected.at(name), 1e-4 * (1 + std::fabs(value)))
          << name << " after step " << step + 1;
    }
  }
}

// Launching the graph does, bit for bit, what queueing its calls does.
TEST(CudaTraining, RecordedStepsAreThoseThatAreQueued) {
  TrainingRig recorded = cuda_rig(), queued = cuda_rig();
  IgnoringWatcher watcher;
  recorded.step(kSteps);
  for (int step = 0; step < kSteps; ++step) queued.session().step(watcher);
  EXPECT_EQ(state(recorded), state(queued));
}

std::vector<std::string> small_with(std::vector<std::string> more) {
  more.insert(more.end(), kSmall.begin(), kSmall.end());
  return more;
}

TrainingRig cuda_rig_with(const std::vector<std::string>& more) {
  return TrainingRig(open_backend(BackendChoice::kCuda, 1), kTinyGan, small_with(more));
}

// More than an epoch, flipped, shifted and cut, with classes: read by the device from its own
// memory or by the host, the steps are the same bit for bit.
TEST(CudaTraining, DataOnTheDeviceAreThoseThatTheHostReads) {
  const std::vector<std::string> cut = {"data.size=[11,10]", "data.random_crop=[8,8]",
                                        "data.flip=true", "data.shift=2", "train.d_steps=2"};
  std::vector<std::string> by_host = cut;
  by_host.push_back("data.on_device=false");
  TrainingRig device = cuda_rig_with(cut), host = cuda_rig_with(by_host);
  ASSERT_TRUE(device.session().system().resident);
  ASSERT_FALSE(host.session().system().resident);
  device.step(kSteps);
  host.step(kSteps);
  EXPECT_EQ(state(device), state(host));
}

// Launches of several steps, and single ones where steps differ or the next look is nearer.
TEST(CudaTraining, StepsPerLaunchChangeNothing) {
  const std::vector<std::string> kinds = {"train.d_warmup.d_steps=2", "train.d_warmup.every=5"};
  std::vector<std::string> several = kinds;
  several.push_back("train.steps_per_launch=3");
  TrainingRig one = cuda_rig_with(kinds), three = cuda_rig_with(several);
  constexpr int64_t kLast = 11;
  int64_t launches = 0;
  for (; three.session().steps_done() < kLast; ++launches)
    three.session().advance(kLast - three.session().steps_done());
  EXPECT_LT(launches, kLast);
  one.step(kLast);
  EXPECT_EQ(three.session().steps_done(), kLast);
  EXPECT_EQ(state(one), state(three));
}

// The step that first went wrong is known later, by its number and what was first in it.
TEST(CudaTraining, TheFirstBadStepIsLatched) {
  TrainingRig rig = cuda_rig();
  rig.step(2);
  EXPECT_EQ(rig.session().first_bad_step(), 0);
  Checkpoint broken = rig.session().checkpoint();
  const Checkpoint sound = broken;
  for (HostTensor& tensor : broken.tensors) {
    if (tensor.name == "d.conv2.weight") tensor.as<float>()[3] = NAN;
  }
  rig.session().restore(broken, "memory");
  rig.step(3);
  EXPECT_EQ(rig.session().first_bad_step(), 3);
  rig.session().restore(sound, "memory");
  rig.step(1);
  EXPECT_EQ(rig.session().first_bad_step(), 0);
}

// Marks are part of the recording, and each call has a time of its own.
TEST(CudaTraining, CallsAreTimedWithinTheRecording) {
  TrainingRig profiled = cuda_rig(), plain = cuda_rig();
  const DeviceLimits limits{.flops_per_s = 1e9, .bytes_per_s = 1e9};
  const StepProfile profile = profile_steps(profiled.session(), 3, limits);
  for (const Cost& call : profile.calls) EXPECT_GT(call.seconds, 0) << call.name;
  plain.step(3);
  EXPECT_EQ(state(profiled), state(plain));
}

// The emulation knows whose memory a kernel touches: apart, every buffer has an end.
TEST(CudaTraining, NoKernelLeavesItsBuffers) {
  TrainingRig arena = cuda_rig();
  TrainingRig apart(open_backend(BackendChoice::kCuda, 1), kTinyGan, kSmall, Allocator::kDirect);
  arena.step(2);
  apart.step(2);
  EXPECT_EQ(state(arena), state(apart));
}

}  // namespace
}  // namespace gantry
