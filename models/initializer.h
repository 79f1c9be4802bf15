// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/fields.h"
#include "core/tensor.h"

namespace gantry {

// How a parameter is filled before training. fan_in and fan_out count weights that meet at one
// output and one input unit: channels x kernel area.
//   zeros, ones, constant(value), normal(mean, std), uniform(-bound, bound), truncated_normal(std)
//   glorot_uniform  bound sqrt(6 / (in + out))   glorot_normal  std sqrt(2 / (in + out))
//   he_uniform      bound sqrt(6 / in)           he_normal      std sqrt(2 / in)
//   lecun_normal    std sqrt(1 / in)
//   pytorch         uniform, bound 1 / sqrt(fan_in): weights and biases of Linear and Conv
//   orthogonal      gain
// Keras cuts its normal draws at two standard deviations (`truncated`); PyTorch does not.
struct Initializer {
  enum class Kind : uint8_t {
    kZeros, kOnes, kConstant, kNormal, kUniform, kTruncatedNormal, kGlorotUniform, kGlorotNormal,
    kHeUniform, kHeNormal, kLecunNormal, kPyTorch, kOrthogonal,
  };
  Kind kind = Kind::kZeros;
  double value = 0;  // constant
  double mean = 0, std = 0.02, bound = 0.05;
  double gain = 1;
  bool truncated = false;

  void describe(Fields& f);
};

struct Fans {
  int64_t in = 1, out = 1;
};

// Fills `values` (host, shape in memory order) from (seed, id): the same on every device.
void initialize(const Initializer& init, const Shape& shape, const Fans& fans, uint64_t seed,
                uint32_t id, float* values);

}  // namespace gantry
