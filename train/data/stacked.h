// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "train/data/sample_set.h"

namespace gantry {

// Stacked MNIST (Metz et al. 2017, Unrolled GANs, 3.3.1; as a fixed set: Srivastava et al. 2017):
// three digits of MNIST, drawn alike and independently, as the channels of one image. Its class,
// the mode, is the number that the three show: 100 a + 10 b + c.
constexpr size_t kStackedChannels = 3;
constexpr int64_t kDigits = 10, kStackedModes = kDigits * kDigits * kDigits;

// Which of `digits` images are the channels of image i: a function of the two alone, not of the
// seed of the run, so that two seeds train on the same data.
std::array<int64_t, kStackedChannels> stacked_digits(uint32_t i, int64_t digits);

// `config.samples` images of the digits of `config.split`.
SampleSet load_stacked_mnist(const DataConfig& config);

}  // namespace gantry
