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
