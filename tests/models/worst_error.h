// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace gantry::testing {

// The largest error seen by a test program, for the table of tolerances: printed at the end of
// GANTRY_TOLERANCES=print models_tests.
class WorstError {
 public:
  explicit WorstError(const char* what) : what_(what) {}
  ~WorstError() {
    if (std::getenv("GANTRY_TOLERANCES")) std::printf("%s: seen %.1e\n", what_, worst_);
  }
  double see(double error) {
    worst_ = std::max(worst_, error);
    return error;
  }

 private:
  const char* what_;
  double worst_ = 0;
};

}  // namespace gantry::testing
