// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/fields.h"

namespace gantry {

// "lecam": draws D's answers towards running means of those to the other side (Tseng et al. 2021).
struct LecamConfig {
  double weight = 0;  // 0: none
  double decay = 0.99;
  int64_t start = 1000;  // steps

  void describe(Fields& f);
};

// "top_k": G learns from the samples that D finds most real (Sinha et al. 2020).
struct TopKConfig {
  double nu = 1;  // 1: all
  double gamma = 0.99;
  int64_t every = 1000;  // steps

  void describe(Fields& f);
};

// How far differentiable augmentation goes; kernels/ops/augment.h. 0 leaves an operation out.
struct AugmentationSizes {
  double brightness = 0, saturation = 0, contrast = 0;
  double translation = 0, cutout = 0;

  bool any() const {
    return brightness > 0 || saturation > 0 || contrast > 0 || translation > 0 || cutout > 0;
  }
  void describe(Fields& f);
};

// "augmentation": of everything that D sees, real and generated, in its updates and in G's.
// diffaugment: always (Zhao et al. 2020); ada: with a probability that follows D's answers to real
// samples (Karras et al. 2020).
struct AugmentationConfig {
  std::string type = "none";
  AugmentationSizes sizes;
  double target = 0.6;  // ada, as the next
  int64_t every = 4;    // real batches of train.batch
  double span = 500000;
  double probability = 0;  // in the beginning

  bool any() const { return sizes.any(); }
  bool adaptive() const { return type == "ada"; }
  void describe(Fields& f);
};

// "consistency": D answers alike to a real sample and to the same augmented (Zhang et al. 2020).
struct ConsistencyConfig {
  double weight = 0;  // 0: none
  AugmentationSizes sizes{.translation = 0.125};

  void describe(Fields& f);
};

}  // namespace gantry
