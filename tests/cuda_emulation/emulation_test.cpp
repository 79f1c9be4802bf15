// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "kernels/kernels.h"
#include "tests/cuda_emulation/emulator.h"
#include "tests/cuda_emulation/planted_defects.h"

namespace gantry::emulation {
namespace {

constexpr int64_t kFloats = 1024;

struct Rig {
  Backend backend = open_backend(BackendChoice::kCuda, 0);
  std::unique_ptr<Stream> stream = backend.device->make_stream();
  Tensor data{*backend.device, vector_shape(kFloats), DType::kF32};

  std::vector<float> run(Planted defect) {
    run_planted(defect, *stream, data.view().as<float>());
    std::vector<float> host(kFloats);
    backend.device->copy_to_host(*stream, host.data(), data.view().data, data.bytes());
    stream->synchronize();
    return host;
  }
};

TEST(CudaEmulation, SoundKernelRuns) {
  const std::vector<float> sums = Rig().run(Planted::kNone);
  for (int i = 0; i < 256; ++i) EXPECT_EQ(sums[static_cast<size_t>(i)], 256 * 257 / 2);
}

// The machine goes on after a defect: the next kernel runs.
TEST(CudaEmulation, EveryPlantedDefectIsFound) {
  const struct {
    Planted defect;
    const char* says;
  } table[] = {
      {Planted::kGlobalPastEnd, "thread 63: writes 4 bytes of memory that is not the device's"},
      {Planted::kHostMemory, "reads 4 bytes of memory that is not the device's"},
      {Planted::kSharedPastEnd, "past the end of a shared array"},
      {Planted::kMisaligned, "16 bytes that is not aligned"},
      {Planted::kUnwrittenShared, "reads shared memory that nobody has written"},
      {Planted::kMissingBarrier, "without a barrier between"},
      {Planted::kBarrierInBranch, "thread 40 has ended"},
      {Planted::kDifferentBarriers, "waits at the barrier of"},
      {Planted::kShuffleInBranch, "for lanes of its warp that never get there"},
      {Planted::kShuffleFromOutside, "reads lane 16"},
      {Planted::kTwoBlocksOneWord, "writes what another block of this launch wrote"},
      {Planted::kReadByOtherBlock, "reads what another block of this launch wrote"},
  };
  Rig rig;
  for (const auto& row : table) {
    try {
      rig.run(row.defect);
      ADD_FAILURE() << "not found: " << row.says;
    } catch (const Defect& found) {
      EXPECT_NE(std::string(found.what()).find(row.says), std::string::npos)
          << found.what() << "\nexpected: " << row.says;
    }
  }
  EXPECT_EQ(rig.run(Planted::kNone)[0], 256 * 257 / 2);
}

// What a stream has recorded runs when it is launched, with what is then in memory, as often as it
// is launched; nothing runs while it is recorded.
TEST(CudaEmulation, ARecordingIsTheWorkThatItTookDown) {
  Rig rig;
  const KernelPtr twice = rig.backend.kernels->sum({vector_shape(kFloats), {2}});
  const KernelPtr product =
      rig.backend.kernels->dense({1, 32, 32, false, {}, false}, DensePass::kForward);
  const Tensor w(*rig.backend.device, {32, 32, 1, 1}, DType::kF32);
  std::vector<float> identity(32 * 32, 0);
  for (size_t i = 0; i < 32; ++i) identity[33 * i] = 3;
  rig.backend.device->copy_to_device(*rig.stream, w.view().data, identity.data(), w.bytes());
  const Tensor y(*rig.backend.device, vector_shape(32), DType::kF32);
  const auto recording = rig.stream->record([&] {
    twice->run(*rig.stream, std::array{rig.data.view(), rig.data.view()}, nullptr);
    product->run(*rig.stream, std::array{y.view(), rig.data.view(), w.view()}, nullptr);
  });
  ASSERT_TRUE(recording);
  const std::vector<float> ones(kFloats, 1);
  rig.backend.device->copy_to_device(*rig.stream, rig.data.view().data, ones.data(),
                                     rig.data.bytes());
  for (int launches = 1; launches <= 3; ++launches) {
    recording->run();
    float result[32];
    rig.backend.device->copy_to_host(*rig.stream, result, y.view().data, sizeof(result));
    rig.stream->synchronize();
    EXPECT_EQ(result[31], 3.0f * static_cast<float>(1 << launches));
  }
}

// After a failed recording the stream works on.
TEST(CudaEmulation, ARecordingMayNeitherWaitNorAllocate) {
  Rig rig;
  EXPECT_THROW(rig.stream->record([&] { rig.stream->synchronize(); }), std::logic_error);
  EXPECT_THROW(rig.stream->record([&] { Memory(*rig.backend.device, 64); }), std::logic_error);
  rig.stream->synchronize();
  EXPECT_EQ(rig.run(Planted::kNone)[0], 256 * 257 / 2);
}

}  // namespace
}  // namespace gantry::emulation
