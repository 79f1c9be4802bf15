// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/philox.h"

namespace gantry::cuda {

// Division of numbers >= 0 by a constant > 0 that the host knows: the upper half of a product and a
// shift (Granlund, Montgomery: Division by Invariant Integers using Multiplication, PLDI 1994). The
// GPU's own division of 64 bits is a call of about a hundred instructions.
class Divisor {
 public:
  Divisor() = default;
  explicit Divisor(int64_t divisor) : divisor_(divisor) {
    while ((uint64_t{1} << shift_) < static_cast<uint64_t>(divisor)) ++shift_;
    const uint64_t d = static_cast<uint64_t>(divisor), above = (uint64_t{1} << shift_) - d;
    factor_ = static_cast<uint64_t>((static_cast<Wide>(above) << 64) / d) + 1;
  }

  GANTRY_HOST_DEVICE int64_t divide(int64_t x) const {
    const uint64_t n = static_cast<uint64_t>(x);
    const uint64_t upper = static_cast<uint64_t>(static_cast<Wide>(n) * factor_ >> 64);
    return static_cast<int64_t>((upper + n) >> shift_);
  }
  // x becomes its quotient; returns the remainder.
  GANTRY_HOST_DEVICE int64_t split(int64_t& x) const {
    const int64_t quotient = divide(x), rest = x - quotient * divisor_;
    x = quotient;
    return rest;
  }
  GANTRY_HOST_DEVICE int64_t value() const { return divisor_; }

 private:
  using Wide = unsigned __int128;

  int64_t divisor_ = 1;
  uint64_t factor_ = 1;
  int shift_ = 0;
};

}  // namespace gantry::cuda
