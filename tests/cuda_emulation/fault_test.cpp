// SPDX-License-Identifier: Apache-2.0
// What a run does when the GPU fails: at start-up, while it trains, for want of memory.
#include <gtest/gtest.h>

#include <cstdio>
#include <optional>

#include "kernels/cuda/startup.h"
#include "kernels/cuda_backend.h"
#include "tests/core/scratch_folder.h"
#include "tests/cuda_emulation/injected_faults.h"
#include "tests/train/training_rig.h"
#include "train/trainer.h"

namespace gantry {
namespace {

using emulation::InjectedFault;

const std::vector<std::string> kSaving = {"train.batch=4",          "data.samples=16",
                                          "train.steps=6",          "train.checkpoint_every=2",
                                          "train.log_every=1",      "train.sample_every=0",
                                          "output.animation=false", "output.tensorboard=false"};

class CudaFault : public ::testing::Test {
 protected:
  ~CudaFault() override { emulation::heal(); }

  TrainingRig rig(const std::vector<std::string>& overrides = kSaving) {
    return TrainingRig(open_backend(BackendChoice::kCuda, 1), kTinyGan, overrides);
  }
};

template <typename Body>
std::optional<Error> error_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

void expect_says(const std::optional<Error>& error, ExitCode code, const std::string& words) {
  ASSERT_TRUE(error) << "expected: " << words;
  EXPECT_EQ(error->code(), code) << error->what();
  EXPECT_NE(std::string(error->what()).find(words), std::string::npos)
      << error->what() << "\nexpected: " << words;
}

TEST_F(CudaFault, EachStartUpFaultHasItsMessage) {
  const struct {
    InjectedFault fault;
    const char* says;
  } table[] = {
      {{"cudaDriverGetVersion", 1, cudaErrorInvalidValue}, "no NVIDIA driver is loaded"},
      {{"cudaGetDeviceCount", 1, cudaErrorInsufficientDriver}, "update the driver"},
      {{"cudaGetDeviceCount", 1, cudaErrorNoDevice}, "the driver shows no GPU"},
      {{"cudaGetDeviceCount", 1, cudaErrorLaunchFailure}, "does nvidia-smi work?"},
      {{"cudaFuncGetAttributes", 1, cudaErrorNoKernelImageForDevice},
       "-DCMAKE_CUDA_ARCHITECTURES=native"},
  };
  for (const auto& row : table) {
    emulation::inject(row.fault);
    expect_says(error_of([] { open_cuda_backend({}); }), ExitCode::kEnvironment, row.says);
    emulation::heal();
  }
  EXPECT_NO_THROW(open_cuda_backend({}));
}

TEST_F(CudaFault, LibrariesOfAnotherVersionAreRefused) {
  EXPECT_NO_THROW(cuda::check_version("cuDNN", 90100, 90100));
  EXPECT_NO_THROW(cuda::check_version("cuDNN", 90100, 90203));
  for (const size_t loaded : {size_t{90009}, size_t{80902}, size_t{100000}}) {
    expect_says(error_of([&] { cuda::check_version("cuDNN", 90100, loaded); }),
                ExitCode::kEnvironment, "was loaded, but this gantry was compiled for 9.1.0");
  }
}

// A kernel of the step that writes where it may not, told by a later wait: the run ends with the
// code for a failed device and names device and call, the checkpoint before it is the last, and
// from the fault on nothing asks the GPU for anything.
TEST_F(CudaFault, AFaultWhileTrainingEndsTheRunAndKeepsTheLastCheckpoint) {
  const testing::ScratchFolder folder;
  Log log(stderr);
  int64_t calls = 0;
  {
    TrainingRig training = rig();
    RunDir run = RunDir::create(folder.path() / "run", log);
    const StopRequest stop;
    Trainer trainer(training.session(), run, log);
    // Step 1 is queued, steps from 2 on are launches: the third is step 4's.
    emulation::inject({"cudaGraphLaunch", 3, cudaErrorIllegalAddress, "cudaStreamSynchronize"});
    const auto error = error_of([&] { trainer.train(stop); });
    expect_says(error, ExitCode::kPeer, "cuda:0 (emulated, sm_90): cudaStreamSynchronize says ");
    expect_says(error, ExitCode::kPeer, "cudaErrorIllegalAddress");
    CheckpointStore checkpoints(run.checkpoints(), log);
    EXPECT_EQ(checkpoints.load_latest().value().step, 2u);
    // The first call that failed is the one that is named, whatever fails after it.
    expect_says(error_of([&] { training.session().step(); }), ExitCode::kPeer,
                "cudaStreamSynchronize says ");
    calls = emulation::runtime_calls();
  }
  EXPECT_EQ(emulation::runtime_calls(), calls) << "calls after the GPU was lost";
}

// Wherever memory runs out, the run ends with the code for that and the GPU works on.
TEST_F(CudaFault, WantOfMemoryIsToldApart) {
  TrainingRig training = rig();
  training.step(1);
  for (const char* call : {"cudaMalloc", "cudaGraphInstantiate", "cudaGraphLaunch"}) {
    emulation::inject({call, 1, cudaErrorMemoryAllocation});
    const auto error = error_of([&] {
      const Memory more(*training.backend().device, 64);
      training.step(1);
    });
    expect_says(error, ExitCode::kMemory, "lower train.batch");
  }
  emulation::inject({"cudaLaunchKernelEx", 1, cudaErrorMemoryAllocation});
  expect_says(error_of([&] { rig().step(1); }), ExitCode::kMemory,
              "launching gantry::cuda::advance_kernel()");
  training.step(2);
}

}  // namespace
}  // namespace gantry
