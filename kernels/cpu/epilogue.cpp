// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/epilogue.h"

#include "core/error.h"

namespace gantry {

float Epilogue::slope() const {
  switch (activation.kind) {
    case ActivationKind::kIdentity:
      return 1.0f;
    case ActivationKind::kReLU:
      return 0.0f;
    case ActivationKind::kLeakyReLU:
      return activation.alpha;
    default:
      break;
  }
  GANTRY_CHECK(false, activation_name(activation.kind), " is not piecewise linear");
  return 1.0f;
}

void Epilogue::run(float* y, int64_t rows, int64_t channels, const float* b) const {
  if (empty()) return;
  const float below = slope();
  if (!bias) {
    const int64_t count = rows * channels;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < count; ++i) y[i] = y[i] > 0 ? y[i] : below * y[i];
    return;
  }
#pragma omp parallel for schedule(static)
  for (int64_t row = 0; row < rows; ++row) run_here(y + row * channels, 1, channels, b);
}

void Epilogue::run_here(float* y, int64_t rows, int64_t channels, const float* b) const {
  if (empty()) return;
  const float below = slope();
  for (int64_t row = 0; row < rows; ++row) {
    float* at = y + row * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const float value = bias ? at[c] + b[c] : at[c];
      at[c] = value > 0 ? value : below * value;
    }
  }
}

}  // namespace gantry
