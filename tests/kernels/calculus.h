// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/kernels/op_case.h"

namespace gantry::ladder {

// An op as a function y = f(x; w), run on the reference backend: what calculus says about its
// passes is checked here, whatever the op. `at` holds x first, then the parameters.
struct Differentiable {
  std::string name;
  std::vector<Vec> at;
  size_t output_size = 0;

  std::function<Vec(const std::vector<Vec>& at)> forward;
  // Gradient of <dy, y> by each member of `at`.
  std::function<std::vector<Vec>(const std::vector<Vec>& at, const Vec& dy)> backward;

  // Second order, for B = dy^T (df/dx) ux: {uy, dB/dx, dB/dw ...}, an empty vector meaning zero.
  std::function<std::vector<Vec>(const std::vector<Vec>& at, const Vec& dy, const Vec& ux)>
      double_backward;
};

// backward against [f(a + eps v) - f(a - eps v)] / 2 eps, along random v of each member in turn.
void check_gradients(const Differentiable& op);

// <uy, dy> = <ux, dx>, and uy against central differences of forward.
void check_tangent(const Differentiable& op);

// hx and dB/dw, element by element, against [grad S(x + eps u) - grad S(x - eps u)] / 2 eps with
// S = <dy, y>, and along random directions against central differences of B itself.
void check_double_backward(const Differentiable& op);

inline void check_calculus(const Differentiable& op) {
  check_gradients(op);
  check_tangent(op);
  check_double_backward(op);
}

}  // namespace gantry::ladder
