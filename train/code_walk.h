// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "train/config.h"

namespace gantry {

// A walk through the values of one code, or of one number of a code of several.
class CodeWalk {
 public:
  // `name`: "slant", or "slant.1" for the second number. Throws ConfigError naming the codes there
  // are.
  CodeWalk(const LatentConfig& latent, const std::string& name);

  // How many columns show all of it; 0: any number.
  int64_t columns() const;
  // Puts the value of a column, of so many, into a latent: each class in turn, or equal steps from
  // end to end (of a normal distribution: two standard deviations either way).
  void set(float* latent, int64_t column, int64_t columns) const;

 private:
  CodeConfig code_;
  int64_t place_ = 0;  // in the latent
};

}  // namespace gantry
