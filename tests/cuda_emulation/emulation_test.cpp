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
  Memory memory{*backend.device, kFloats * sizeof(float), Contents::kUnwritten};
  TensorView data{memory.data(), vector_shape(kFloats), DType::kF32};

  std::vector<float> run(Planted defect) {
    run_planted(defect, *stream, data.as<float>());
    std::vector<float> host(kFloats);
    backend.device->copy_to_host(*stream, host.data(), data.data, data.bytes());
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
      {Planted::kUnwrittenGlobal, "reads global memory that nobody has written"},
      {Planted::kTwoThreadsOneByte, "writes what thread 6 wrote without a barrier"},
      {Planted::kByteOfAWord, "writes what thread 0 wrote without a barrier"},
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

// A library's stand-in is given no memory but the device's, written where it reads, and scratch as
// cuDNN and cuBLAS want theirs.
TEST(CudaEmulation, LibrariesAreHeldToTheSameMemory) {
  Rig rig;
  const KernelPtr product =
      rig.backend.kernels->dense({1, 8, 8, false, {}, false}, DensePass::kForward);
  const Tensor zeros(*rig.backend.device, {8, 8, 1, 1}, DType::kF32);
  std::vector<float> host(64);
  const TensorView y = rig.data, on_host{host.data(), vector_shape(8), DType::kF32};
  const auto expect = [&](const KernelPtr& kernel, const std::array<TensorView, 3>& args,
                          void* scratch, const std::string& says) {
    try {
      kernel->run(*rig.stream, args, scratch);
      ADD_FAILURE() << "not found: " << says;
    } catch (const Defect& found) {
      EXPECT_NE(std::string(found.what()).find(says), std::string::npos) << found.what();
    }
  };
  const TensorView row{y.data, vector_shape(8), DType::kF32};
  expect(product, {row, on_host, zeros.view()}, nullptr, "argument 1: 32 bytes");
  const TensorView unwritten{row.as<float>() + 512, row.shape, DType::kF32};
  expect(product, {row, unwritten, zeros.view()}, nullptr, "argument 1: reads global memory");
  TensorView past = row;
  past.data = row.as<float>() + 1020;
  expect(product, {past, row, zeros.view()}, nullptr, "argument 0: 32 bytes");

  Conv2dDesc conv;
  conv.x = {1, 4, 8, 8};
  conv.w = {4, 4, 3, 3};
  conv.y = {1, 4, 8, 8};
  conv.pad_top = conv.pad_left = 1;
  const KernelPtr convolution = rig.backend.kernels->conv2d(conv, Conv2dPass::kForward);
  const Tensor x(*rig.backend.device, conv.x, DType::kF32),
      w(*rig.backend.device, conv.w, DType::kF32), out(*rig.backend.device, conv.y, DType::kF32);
  const Memory scratch(*rig.backend.device, convolution->scratch_bytes() + 1024);
  expect(convolution, {out.view(), x.view(), w.view()}, static_cast<char*>(scratch.data()) + 64,
         "scratch: not at a multiple of 256 bytes");
  EXPECT_NO_THROW(
      convolution->run(*rig.stream, std::array{out.view(), x.view(), w.view()}, scratch.data()));
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
    twice->run(*rig.stream, std::array{rig.data, rig.data}, nullptr);
    product->run(*rig.stream, std::array{y.view(), rig.data, w.view()}, nullptr);
  });
  ASSERT_TRUE(recording);
  const std::vector<float> ones(kFloats, 1);
  rig.backend.device->copy_to_device(*rig.stream, rig.data.data, ones.data(), rig.data.bytes());
  for (int launches = 1; launches <= 3; ++launches) {
    recording->run();
    float result[32];
    rig.backend.device->copy_to_host(*rig.stream, result, y.view().data, sizeof(result));
    rig.stream->synchronize();
    EXPECT_EQ(result[31], 3.0f * static_cast<float>(1 << launches));
  }
}

// What the config asks for reaches the libraries: 1 + 2^-12 is 1 to 10 bits.
TEST(CudaEmulation, PrecisionIsThatOfTheOptions) {
  for (const Precision precision : {Precision::kFp32, Precision::kTf32}) {
    const Backend backend = open_backend(BackendChoice::kCuda, 0, {.precision = precision});
    const auto stream = backend.device->make_stream();
    const KernelPtr product =
        backend.kernels->dense({1, 1, 1, false, {}, false}, DensePass::kForward);
    const Tensor x(*backend.device, vector_shape(1), DType::kF32);
    const Tensor y(*backend.device, vector_shape(1), DType::kF32);
    const float value = 1 + 1.0f / 4096;
    backend.device->copy_to_device(*stream, x.view().data, &value, sizeof(value));
    product->run(*stream, std::array{y.view(), x.view(), x.view()}, nullptr);
    float result = 0;
    backend.device->copy_to_host(*stream, &result, y.view().data, sizeof(result));
    stream->synchronize();
    EXPECT_EQ(result, precision == Precision::kTf32 ? 1.0f : value * value);
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
