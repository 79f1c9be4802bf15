// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/tensor.h"
#include "tests/kernels/sampler.h"

namespace gantry::ladder {

// Compares with the table, and notes the error for GANTRY_TOLERANCES=print.
void expect_close(const std::string& op, DType dtype, const Vec& got, const Vec& want);

// Keeps the largest errors seen per key, for GANTRY_TOLERANCES=print.
void note_error(const std::string& key, double nmse, double max_rel);

}  // namespace gantry::ladder
