// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "core/half.h"
#include "tests/kernels/op_case.h"

namespace gantry::ladder {
namespace {

using Scale = CastDesc::Scale;

TEST(CastLadder, IsTheReference) {
  for (const int64_t size : {1, 13, 4099}) {
    const Shape shape = vector_shape(size);
    const Vec values = Sampler(81).normal(shape);
    for (const Scale scale : {Scale::kNone, Scale::kTimes, Scale::kOver}) {
      const Maker make = [=](Kernels& k) { return k.cast({size, scale}); };
      OpCase down{"cast", concat("to 16 bits, ", size), make, {narrow(out(shape))}, {}};
      OpCase up{"cast", concat("from 16 bits, ", size), make, {out(shape)}, {}};
      down.args.push_back(in(shape, values));
      up.args.push_back(narrow(in(shape, values)));
      for (OpCase* test : {&down, &up}) {
        if (scale != Scale::kNone) test->args.push_back(scalar(64));
        check_parity(*test);
      }
    }
  }
}

template <typename T>
std::vector<T> cast_on(TestBackend& on, const std::vector<float>& values) {
  Device& device = *on.backend.device;
  const Shape shape = vector_shape(static_cast<int64_t>(values.size()));
  const Tensor x(device, shape, DType::kF32), y(device, shape, DTypeOf<T>::kValue);
  device.copy_to_device(*on.stream, x.view().data, values.data(), x.bytes());
  on.backend.kernels->cast({shape.elements()})
      ->run(*on.stream, std::array{y.view(), x.view()}, nullptr);
  std::vector<T> result(values.size());
  device.copy_to_host(*on.stream, result.data(), y.view().data, y.bytes());
  on.stream->synchronize();
  return result;
}

// Ties, what is too large, what is too small, infinities and NaN: bit for bit as core/half.h has
// it.
TEST(CastLadder, RoundsLikeTheHost) {
  std::vector<float> values;
  for (const float x : {0.0f,
                        1.0f,
                        3.1415927f,
                        65504.0f,
                        65519.0f,
                        65520.0f,
                        1e5f,
                        3.3e38f,
                        std::numeric_limits<float>::max(),
                        std::numeric_limits<float>::infinity(),
                        0x1p-14f,
                        0x1.004p-14f,
                        0x1.ffcp-15f,
                        0x1p-24f,
                        0x1p-25f,
                        0x1.8p-25f,
                        0x1p-130f,
                        1 + 0x1p-8f,
                        1 + 0x1.8p-7f,
                        1 + 0x1p-11f,
                        1 + 0x1.8p-10f}) {
    values.push_back(x);
    values.push_back(-x);
  }
  for (TestBackend& on : tested_backends()) {
    SCOPED_TRACE(on.backend.name);
    const auto bf16 = cast_on<BFloat16>(on, values);
    const auto f16 = cast_on<Float16>(on, values);
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(bf16[i].bits, to_bfloat16(values[i]).bits) << values[i];
      EXPECT_EQ(f16[i].bits, to_float16(values[i]).bits) << values[i];
    }
    const std::vector<float> nan = {std::nanf("")};
    EXPECT_TRUE(std::isnan(to_float(cast_on<BFloat16>(on, nan)[0])));
    EXPECT_TRUE(std::isnan(to_float(cast_on<Float16>(on, nan)[0])));
  }
}

}  // namespace
}  // namespace gantry::ladder
