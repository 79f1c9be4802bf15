// SPDX-License-Identifier: Apache-2.0
#include "tests/tolerances.h"

#include <stdexcept>

namespace gantry {
namespace {

constexpr Tolerance kTable[] = {
    // op, dtype, limits: nmse, max_rel; measured: nmse, max_rel
    // Sums of k products: each rounds to 2^-24 of a partial sum, k up to 6272 here.
    {"conv2d.forward", "f32", 4e-12, 5e-6, 8.0e-13, 1.3e-6},
    {"conv2d.backward_data", "f32", 4e-12, 5e-6, 1.9e-13, 7.9e-7},
    {"conv2d.backward_weights", "f32", 4e-12, 5e-6, 3.1e-13, 7.2e-7},
    {"dense.forward", "f32", 1e-11, 5e-6, 2.2e-12, 1.5e-6},
    {"dense.backward_data", "f32", 1e-12, 2e-6, 8.4e-14, 4.7e-7},
    {"dense.backward_weights", "f32", 1e-12, 2e-6, 2.0e-14, 3.3e-7},
    {"bias_grad", "f32", 1e-12, 2e-6, 6.3e-14, 2.0e-7},
    // One rounding per element.
    {"bias_add", "f32", 1e-14, 2e-7, 7.7e-16, 4.8e-8},
};

}  // namespace

const Tolerance& tolerance(const std::string& op, const std::string& dtype) {
  for (const Tolerance& row : kTable)
    if (op == row.op && dtype == row.dtype) return row;
  throw std::out_of_range("tests/tolerances.cpp has no row for " + op + " " + dtype);
}

}  // namespace gantry
