// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/fields.h"
#include "core/tensor.h"

namespace gantry {

// How a parameter is filled before training. fan_in and fan_out count weights that meet at one
// output and one input unit: channels x kernel area. g is the gain, 1 unless given.
//   zeros, ones, constant (value), normal (mean, std), uniform (-bound, bound)
//   truncated_normal   normal (mean, std), drawn again outside two standard deviations
//   glorot_uniform     bound g sqrt(6 / (in + out))   glorot_normal   std g sqrt(2 / (in + out))
//   he_uniform         bound g sqrt(6 / in)           he_normal       std g sqrt(2 / in)
//   lecun_uniform      bound g sqrt(3 / in)           lecun_normal    std g sqrt(1 / in)
//   pytorch            uniform, bound 1 / sqrt(in): weights and biases of Linear and Conv
//   orthogonal         g Q, Q from the QR decomposition of a normal matrix, R's diagonal positive
// Keras's glorot_normal, he_normal and lecun_normal are truncated at two standard deviations, with
// the standard deviation of what remains as above: `truncated`. PyTorch's are not.
// (Glorot, Bengio 2010; He et al. 2015; Saxe et al. 2014.)
struct Initializer {
  enum class Kind : uint8_t {
    kZeros,
    kOnes,
    kConstant,
    kNormal,
    kUniform,
    kTruncatedNormal,
    kGlorotUniform,
    kGlorotNormal,
    kHeUniform,
    kHeNormal,
    kLecunUniform,
    kLecunNormal,
    kPyTorch,
    kOrthogonal,
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

// Fans of a weight O x C/G x kh x kw. As in PyTorch and Keras, a transposed convolution, whose O is
// the number of its inputs, counts its output channels as fan_in.
Fans fans_of(const Shape& weight);

// Fills `values` (host, shape in memory order) from (seed, id): the same on every device.
void initialize(const Initializer& init, const Shape& shape, const Fans& fans, uint64_t seed,
                uint32_t id, float* values);

}  // namespace gantry
